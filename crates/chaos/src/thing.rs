//! What is asked for: a thing with a number, whose bytes follow from it, so that each side can
//! tell whether the other's are the right ones.

use std::{sync::LazyLock, time::Duration};

use crate::wire::Request;

/// A path that prefs owns.
pub(crate) const PATH: &str = "/api/v1/prefs/thing";

/// A stream of server-sent events.
pub(crate) const EVENTS: &str = "/api/v1/prefs/events";

/// A WebSocket.
pub(crate) const SOCKET: &str = "/api/v1/prefs/socket";

/// One thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Thing {
    /// Nobody else's.
    pub(crate) id: u64,
    /// How long it is.
    pub(crate) bytes: u64,
    /// How long an instance thinks before it answers.
    pub(crate) delay: Duration,
}

impl Thing {
    /// A small one without delay.
    pub(crate) const fn small(id: u64) -> Self {
        Self { id, bytes: 119, delay: Duration::ZERO }
    }

    pub(crate) const fn of(id: u64, bytes: u64) -> Self {
        Self { id, bytes, delay: Duration::ZERO }
    }

    pub(crate) fn get(&self) -> Request {
        Request::get(&self.target())
    }

    /// A POST that carries it, to be given back; it is no longer than a [`PIECE`].
    pub(crate) fn post(&self) -> Request {
        Request::post(&self.target(), self.slice(0, self.bytes).to_vec())
    }

    /// The head of such a POST, without anything of its body.
    pub(crate) fn post_head(&self) -> Vec<u8> {
        let length = self.bytes.to_string();
        Request::post(&self.target(), Vec::new()).with("content-length", &length).bytes()
    }

    fn target(&self) -> String {
        format!("{PATH}?id={}&bytes={}&delay={}", self.id, self.bytes, self.delay.as_millis())
    }

    /// What a target asks for.
    pub(crate) fn asked(target: &str) -> Option<Self> {
        let (_, query) = target.split_once('?')?;
        let value = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(found, _)| *found == name)?.1.parse::<u64>().ok()
        };
        let delay = Duration::from_millis(value("delay")?);
        Some(Self { id: value("id")?, bytes: value("bytes")?, delay })
    }

    /// A part of it, of a [`PIECE`] at most.
    pub(crate) fn slice(&self, from: u64, to: u64) -> &'static [u8] {
        let period = u64::try_from(PERIOD).unwrap_or(u64::MAX);
        let begin = self.id.wrapping_mul(7919).wrapping_add(from) % period;
        let length = to.min(self.bytes).saturating_sub(from).min(PIECE);
        let [begin, length] = [begin, length].map(|number| usize::try_from(number).unwrap_or(0));
        &NOISE[begin..begin + length]
    }

    /// Whether these are its bytes, all of them and no others.
    pub(crate) fn is(&self, bytes: &[u8]) -> bool {
        let mut place = 0;
        let mut pieces = bytes.chunks(usize::try_from(PIECE).unwrap_or(1));
        let are_right = pieces.all(|piece| {
            let begin = place;
            place += u64::try_from(piece.len()).unwrap_or(u64::MAX);
            piece == self.slice(begin, place)
        });
        are_right && place == self.bytes
    }
}

/// The most that is cut out at a time, bytes.
pub(crate) const PIECE: u64 = 32 * 1024;

/// After so many bytes, more than a piece has, they come again.
const PERIOD: usize = 32_771;

/// Bytes without a pattern, twice over.
static NOISE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut random = fastrand::Rng::with_seed(1);
    let once: Vec<u8> = (0..PERIOD).map(|_| random.u8(..)).collect();
    once.repeat(2)
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_told_from_its_half_and_from_others() {
        let thing = Thing::of(7, 1000);
        assert!(thing.is(thing.slice(0, 1000)));
        assert!(!thing.is(thing.slice(0, 500)) && !thing.is(Thing::of(8, 1000).slice(0, 1000)));
        let long = Thing::of(7, 2 * PIECE);
        assert!(long.is(&[long.slice(0, PIECE), long.slice(PIECE, 2 * PIECE)].concat()));
        assert!(!long.is(&long.slice(0, PIECE).repeat(2)));
        assert_eq!(Thing::asked(&thing.target()), Some(thing));
        assert_eq!(Thing::asked("/readyz"), None);
    }
}
