//! The bytes that are looked for, in locked memory.

use std::ops::Range;

use super::SHORTEST;
use super::plan::Plan;
use crate::sys::memory::Locked;

/// All patterns.
pub(super) struct Patterns {
    /// The bytes of the patterns. Some share theirs: one that ends earlier than another begins at the same place.
    pub(super) text: Locked,
    /// The places in `text`, sorted by what stands there, each once.
    pub(super) places: Vec<Range<usize>>,
}

impl Patterns {
    /// Writes what is planned for `secrets`.
    pub(super) fn write(plan: &Plan, secrets: &[&[u8]]) -> Self {
        let mut places = Vec::new();
        let text = Locked::filled(plan.size, |text| {
            let mut start = 0;
            for item in &plan.items {
                let bytes = &secrets[item.secret][item.piece.clone()];
                let end = start + item.length;
                for (place, byte) in text[start..end].iter_mut().zip(item.form.write(bytes)) {
                    *place = byte;
                }
                let stops = item.form.stops(item.piece.len(), item.length);
                let ends = stops.chain([item.length]).map(|stop| start + stop);
                places.extend(
                    ends.filter(|end| end - start >= SHORTEST)
                        .map(|end| start..end),
                );
                start = end;
            }
        });
        let bytes = text.as_slice();
        places.sort_by(|one, other| {
            let order = bytes[one.clone()].cmp(&bytes[other.clone()]);
            order.then(one.start.cmp(&other.start))
        });
        places.dedup_by(|one, other| bytes[one.clone()] == bytes[other.clone()]);
        Self { text, places }
    }
}
