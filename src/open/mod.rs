//! From definitions to variables: the pipeline that the command line and the daemon both call.
//!
//! Where definitions are, which are meant, who decrypts and what providers may do is handed in; nothing is printed.

mod evaluate;
mod overrides;
mod project;
mod value_at;

pub use evaluate::{Opened, Request, evaluate};
pub use overrides::{Invalid, context, overrides};
pub use project::{globs, project};
pub use value_at::{NoValue, begin_below_values, value_at};
