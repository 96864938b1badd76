//! Asks a daemon: a small HTTP client on a Unix socket that reads answers straight into locked memory. Waits; needs no
//! runtime.
