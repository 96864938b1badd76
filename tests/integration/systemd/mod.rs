//! What only a real systemd can tell: units, sockets that it keeps, credentials, its watchdog, who a peer is by its unit.

mod machine;
mod units;
