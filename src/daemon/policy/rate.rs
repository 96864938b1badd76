//! How often something may be done.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

/// So many times in a period; as many at once, if it was not done for that long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    count: NonZeroU32,
    period: Period,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Period {
    Second,
    Minute,
    Hour,
}

impl Period {
    const ALL: [(Self, &'static str, u64); 3] = [
        (Self::Second, "s", 1),
        (Self::Minute, "min", 60),
        (Self::Hour, "h", 3600),
    ];
}

impl Rate {
    /// The period.
    pub fn period(self) -> Duration {
        let of = Period::ALL
            .iter()
            .find(|(period, ..)| *period == self.period);
        Duration::from_secs(of.map_or(1, |(.., seconds)| *seconds))
    }

    /// The time that it takes until it may be done once more.
    pub fn interval(self) -> Duration {
        self.period() / self.count.get()
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = Period::ALL
            .iter()
            .find(|(period, ..)| *period == self.period);
        write!(f, "{}/{}", self.count, of.map_or("s", |(_, name, _)| name))
    }
}

impl FromStr for Rate {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // More in an hour would be nanoseconds apart.
        const MOST: u32 = 1_000_000;

        let read = || {
            let (count, period) = text.split_once('/')?;
            let (period, ..) = Period::ALL.iter().find(|(_, name, _)| *name == period)?;
            let digits = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
            let count: u32 = digits.then(|| count.parse().ok())??;
            let count = NonZeroU32::new(count).filter(|count| count.get() <= MOST)?;
            Some(Self {
                count,
                period: *period,
            })
        };
        read().ok_or("must be a rate such as 5/s, 10/min or 100/h")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_they_are_written() {
        for text in ["1/s", "10/min", "1000000/h"] {
            assert_eq!(text.parse::<Rate>().expect(text).to_string(), text);
        }
        for text in [
            "",
            "/",
            "1",
            "1/",
            "/s",
            "0/s",
            "+1/s",
            "-1/s",
            "1.5/s",
            "1000001/h",
            "1/d",
            "1/S",
            "1 /s",
            "99999999999/s",
        ] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
        let rate: Rate = "10/min".parse().expect("a rate");
        assert_eq!(rate.interval(), Duration::from_secs(6));
        assert_eq!(rate.period(), Duration::from_secs(60));
    }
}
