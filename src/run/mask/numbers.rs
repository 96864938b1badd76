//! Lists of numbers that follow from secrets.

use crate::sys::memory::Locked;

const SIZE: usize = size_of::<u32>();

/// A list of numbers in locked memory.
pub(super) struct Numbers {
    bytes: Locked,
}

impl Numbers {
    /// The numbers of `list`.
    pub(super) fn new(list: impl ExactSizeIterator<Item = u32>) -> Self {
        let bytes = Locked::filled(list.len() * SIZE, |bytes| {
            for (number, place) in list.zip(bytes.chunks_exact_mut(SIZE)) {
                place.copy_from_slice(&number.to_ne_bytes());
            }
        });
        Self { bytes }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.as_slice().len() / SIZE
    }

    /// The number at `index`.
    pub(super) fn at(&self, index: usize) -> u32 {
        let bytes = &self.bytes.as_slice()[index * SIZE..][..SIZE];
        u32::from_ne_bytes(bytes.try_into().expect("as many bytes as a number has"))
    }

    /// Where the first number stands for which `before` does not hold; it holds for none behind that either.
    pub(super) fn partition_point(&self, before: impl Fn(u32) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if before(self.at(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Where `number` stands in a sorted list, if it is there.
    pub(super) fn find(&self, number: u32) -> Option<usize> {
        let index = self.partition_point(|other| other < number);
        (index < self.len() && self.at(index) == number).then_some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_sorted_lists() {
        let numbers = Numbers::new([2, 3, 3, 9].into_iter());
        assert_eq!(numbers.find(3), Some(1));
        assert_eq!(numbers.find(9), Some(3));
        assert_eq!([0, 4, 10].map(|number| numbers.find(number)), [None; 3]);
        assert_eq!(Numbers::new([].into_iter()).find(0), None);
    }
}
