//! Events as a server sends them (WHATWG HTML, section 9.2, "Server-sent events"), read in whatever pieces they come.

/// The longest line that is taken, in bytes.
const LONGEST_LINE: usize = 8 << 10;

/// An event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    /// What it is about.
    pub(super) kind: String,
    /// Its `id`, if it has one of its own.
    pub(super) id: Option<String>,
}

/// Reads events. Their data is not kept: it says no more than the id.
#[derive(Debug, Default)]
pub(super) struct Events {
    line: Vec<u8>,
    /// Whether the last line ended with a carriage return, which a line feed may belong to.
    after_return: bool,
    next: Event,
    /// Whether the next event has any field.
    is_begun: bool,
}

impl Events {
    /// Takes the next bytes; gives the events that are complete with them.
    ///
    /// # Errors
    /// When a line is too long.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<Vec<Event>, &'static str> {
        let mut events = Vec::new();
        for byte in bytes {
            let belongs_to_last = *byte == b'\n' && self.after_return;
            self.after_return = *byte == b'\r';
            match byte {
                b'\n' if belongs_to_last => {}
                b'\n' | b'\r' => events.extend(self.end_line()),
                _ if self.line.len() == LONGEST_LINE => {
                    return Err("it sends a line that is too long");
                }
                byte => self.line.push(*byte),
            }
        }
        Ok(events)
    }

    /// Understands a line; gives the event that it ends, if it does.
    fn end_line(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let event = std::mem::take(&mut self.next);
            return std::mem::take(&mut self.is_begun).then_some(event);
        }
        let line = String::from_utf8_lossy(&line);
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            // A comment, which only shows that somebody is there.
            "" => return None,
            "event" => self.next.kind = value.to_owned(),
            // One with NUL is none.
            "id" if !value.contains('\0') => self.next.id = Some(value.to_owned()),
            "data" => {}
            _ => return None,
        }
        self.is_begun = true;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, id: Option<&str>) -> Event {
        Event {
            kind: kind.to_owned(),
            id: id.map(str::to_owned),
        }
    }

    #[test]
    fn events_are_read_in_any_pieces() {
        let text = ": here\n\nid: 1\nevent: revision\ndata: {}\n\nevent:x\r\nretry: 5\r\n\r\ndata\r\rid:a\0b\n\n\n: end\n\nid: 9";
        let expected = [
            event("revision", Some("1")),
            event("x", None),
            event("", None),
        ];
        for length in 1..text.len() {
            let mut events = Events::default();
            let pieces = text.as_bytes().chunks(length);
            let read: Vec<Event> = pieces
                .flat_map(|piece| events.take(piece).unwrap())
                .collect();
            assert_eq!(read, expected, "{length}");
        }
    }

    #[test]
    fn a_line_has_an_end() {
        let mut events = Events::default();
        assert_eq!(events.take(&vec![b'x'; LONGEST_LINE]), Ok(Vec::new()));
        assert!(events.take(b"x").is_err());
    }
}
