//! Secrets are hidden in what commands write, and nothing else about these commands changes.

mod at_terminal;
mod pump;
mod run;

use crate::cli::test_env::TestEnv;

/// A project whose only definition gives TOKEN, KEY and PIN.
fn project() -> TestEnv {
    let env = TestEnv::empty();
    env.define(
        "app",
        "\
values:
  token:
    fn::secret: hunter2-hunter2
  key:
    fn::secret: |
      -----BEGIN KEY-----
      hunter2+hunter2
      -----END KEY-----
  pin:
    fn::secret: '12'
",
    );
    env
}
