//! Text in columns.

use unicode_width::UnicodeWidthStr as _;

use super::render::sanitized;

/// What is wider than this does not move the columns behind it in other rows.
const WIDEST: usize = 40;

/// The cells of each row, two blanks apart and each as far to the right as in the other rows. What a terminal would obey
/// is replaced: names come from definitions.
pub(super) fn columns(rows: Vec<Vec<String>>) -> String {
    let shown = |row: Vec<String>| row.iter().map(|cell| sanitized(cell)).collect();
    let rows: Vec<Vec<String>> = rows.into_iter().map(shown).collect();
    let count = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell| cell.width())
            .filter(|width| *width <= WIDEST)
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let start = text.len();
        for (cell, width) in row.iter().zip(&widths) {
            text += cell;
            text.extend(std::iter::repeat_n(
                ' ',
                width.saturating_sub(cell.width()) + 2,
            ));
        }
        text.truncate(start + text[start..].trim_end().len());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_below_each_other() {
        let long = "x".repeat(WIDEST + 1);
        let rows = [["a", "1", "x"], ["héé", "", "y"], [&long, "2", ""]];
        let rows = rows.map(|row| row.map(str::to_owned).into());
        let expected = format!("a    1  x\nhéé     y\n{long}  2\n");
        assert_eq!(columns(rows.into()), expected);
        assert_eq!(columns(Vec::new()), "");
        assert_eq!(
            columns(vec![vec!["a\x1b[2J\nb".into()]]),
            "a\u{fffd}[2J\u{fffd}b\n"
        );
    }
}
