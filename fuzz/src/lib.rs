//! What holds for any input: one property a module, each a function `check` that panics where it does not hold.
//!
//! The fuzzer's targets and the crate's own tests call the same functions.

pub mod audit;
pub mod definition;
pub mod dotenv;
pub mod edit;
pub mod formats;
pub mod header;
pub mod interpolation;
pub mod keys;
pub mod mask;
pub mod payload;
pub mod policy;
pub mod project_file;
pub mod property_path;
pub mod provider_answer;
pub mod request;
pub mod world;

/// Checks one input.
pub type Check = fn(&[u8]);

/// The properties by name, as the targets and the folders of seeds are called.
pub const PROPERTIES: [(&str, Check); 14] = [
    ("audit", audit::check),
    ("definition", definition::check),
    ("dotenv", dotenv::check),
    ("edit", edit::check),
    ("formats", formats::check),
    ("header", header::check),
    ("interpolation", interpolation::check),
    ("mask", mask::check),
    ("payload", payload::check),
    ("policy", policy::check),
    ("project_file", project_file::check),
    ("property_path", property_path::check),
    ("provider_answer", provider_answer::check),
    ("request", request::check),
];
