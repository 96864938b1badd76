//! Names that change how programs load or find their way. Nobody gets these by accident, because a key happens to be
//! called `path` or `env`: only a definition that lists them under `environmentVariables` sets them.

/// Whether only an explicit declaration may set `name`. Letter case does not matter, as `http_proxy` shows.
pub fn is_reserved(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    NAMES.contains(&name.as_str())
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || name.ends_with("_PROXY")
}

const PREFIXES: &[&str] = &[
    // ld.so(8), dyld(1), and the C library.
    "LD_",
    "DYLD_",
    "MALLOC_",
    "LC_",
    // escrun's own.
    "ESCRUN_",
    // Where programs find agents, sessions and configuration.
    "SSH_",
    "XDG_",
    "DBUS_",
    "SUDO_",
    // Interpreters.
    "PYTHON",
    "LUA_INIT",
    "LUA_PATH",
    "LUA_CPATH",
    "COR_",
    "CORECLR_",
    "BASH_FUNC_",
    // The service manager's protocol, sd_notify(3) and sd_listen_fds(3).
    "LISTEN_",
    "WATCHDOG_",
    // What makes git run other programs. The rest of `GIT_` is left to commit and branch names.
    "GIT_CONFIG",
    "GIT_SSH",
    "GIT_SSL_",
    "GIT_TRACE",
];

const NAMES: &[&str] = &[
    // The user and the terminal.
    "HOME",
    "HOSTNAME",
    "LOGNAME",
    "MAIL",
    "OLDPWD",
    "PATH",
    "PWD",
    "SHELL",
    "SHLVL",
    "TEMP",
    "TERM",
    "TERMCAP",
    "TERMINFO",
    "TERMINFO_DIRS",
    "TMP",
    "TMPDIR",
    "USER",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    // Programs that others start.
    "BROWSER",
    "EDITOR",
    "LESSCLOSE",
    "LESSOPEN",
    "MANPAGER",
    "PAGER",
    "VISUAL",
    // Shells.
    "BASHOPTS",
    "BASH_ENV",
    "CDPATH",
    "ENV",
    "FPATH",
    "GLOBIGNORE",
    "IFS",
    "POSIXLY_CORRECT",
    "PROMPT_COMMAND",
    "PS1",
    "PS4",
    "SHELLOPTS",
    "ZDOTDIR",
    // The C library.
    "GCONV_PATH",
    "GETCONF_DIR",
    "GLIBC_TUNABLES",
    "HOSTALIASES",
    "LANG",
    "LANGUAGE",
    "LOCALDOMAIN",
    "LOCPATH",
    "NLSPATH",
    "RESOLV_HOST_CONF",
    "RES_OPTIONS",
    "TZ",
    "TZDIR",
    // Trust in other machines.
    "CURL_CA_BUNDLE",
    "CURL_HOME",
    "KRB5_CONFIG",
    "OPENSSL_CONF",
    "OPENSSL_ENGINES",
    "OPENSSL_MODULES",
    "REQUESTS_CA_BUNDLE",
    "SSLKEYLOGFILE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    // Interpreters and runtimes.
    "BUNDLE_GEMFILE",
    "CLASSPATH",
    "DOTNET_ADDITIONAL_DEPS",
    "DOTNET_SHARED_STORE",
    "DOTNET_STARTUP_HOOKS",
    "ELIXIR_ERL_OPTIONS",
    "ERL_AFLAGS",
    "ERL_FLAGS",
    "ERL_LIBS",
    "ERL_ZFLAGS",
    "GEM_HOME",
    "GEM_PATH",
    "GODEBUG",
    "JAVA_HOME",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "_JAVA_OPTIONS",
    "NODE_EXTRA_CA_CERTS",
    "NODE_OPTIONS",
    "NODE_PATH",
    "NODE_REPL_EXTERNAL_MODULE",
    "NODE_TLS_REJECT_UNAUTHORIZED",
    "PERL5DB",
    "PERL5LIB",
    "PERL5OPT",
    "PERLLIB",
    "PHPRC",
    "PHP_INI_SCAN_DIR",
    "RUBYLIB",
    "RUBYOPT",
    // The service manager.
    "CREDENTIALS_DIRECTORY",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "MAINPID",
    "NOTIFY_SOCKET",
    // git.
    "GIT_ASKPASS",
    "GIT_DIR",
    "GIT_EDITOR",
    "GIT_EXEC_PATH",
    "GIT_EXTERNAL_DIFF",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PAGER",
    "GIT_PROXY_COMMAND",
    "GIT_SEQUENCE_EDITOR",
    "GIT_TEMPLATE_DIR",
    "GIT_WORK_TREE",
    // Where tools of the trade send their commands.
    "DOCKER_CONFIG",
    "DOCKER_HOST",
    "GNUPGHOME",
    "KUBECONFIG",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_steer_programs_are_reserved() {
        for name in [
            "PATH",
            "LD_PRELOAD",
            "LD_LIBRARY_PATH",
            "DYLD_INSERT_LIBRARIES",
            "IFS",
            "BASH_ENV",
            "ENV",
            "NODE_OPTIONS",
            "PYTHONPATH",
            "PYTHON_COLORS",
            "HOME",
            "TZ",
            "LC_ALL",
            "HTTPS_PROXY",
            "http_proxy",
            "NO_PROXY",
            "SSH_AUTH_SOCK",
            "XDG_CONFIG_HOME",
            "GCONV_PATH",
            "PERL5LIB",
            "RUBYOPT",
            "JAVA_TOOL_OPTIONS",
            "ESCRUN_IDENTITY",
            "GIT_SSH_COMMAND",
            "Path",
        ] {
            assert!(is_reserved(name), "{name}");
        }
    }

    #[test]
    fn names_of_applications_are_not() {
        for name in [
            "APP_PATH",
            "NODE_ENV",
            "GIT_SHA",
            "PORT",
            "APP_ENV",
            "PROXY",
            "PROXY_HOST",
            "LDAP_URL",
            "USER_ID",
            "LANGUAGES",
            "DATABASE_URL",
        ] {
            assert!(!is_reserved(name), "{name}");
        }
    }
}
