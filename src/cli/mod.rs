//! The command line.
mod render;
#[allow(missing_docs)]
pub fn render_json(d: &crate::diagnostic::Diagnostic) -> String {
    render::json(d)
}
