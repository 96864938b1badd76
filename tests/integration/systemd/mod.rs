//! What only a real systemd can tell: units, sockets that it keeps, credentials, its watchdog, who a peer is by its unit.

mod agent;
mod credentials;
mod lifecycle;
mod machine;
mod peers;
mod restart;
mod served;
mod units;
