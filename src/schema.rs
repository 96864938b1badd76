//! The type of schemas.

/// A schema.
#[derive(Clone)]
pub struct Schema {}
