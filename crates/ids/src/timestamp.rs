use std::{fmt, time::Duration};

use chrono::{DateTime, Datelike, SecondsFormat, SubsecRound, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, schema::Type},
};

/// An instant in UTC; as JSON it is RFC 3339 with milliseconds:
/// `2026-11-20T12:00:00.000Z`.
///
/// It holds whole microseconds, as PostgreSQL does, so that what was written is
/// what will be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "diesel", derive(diesel::expression::AsExpression, diesel::deserialize::FromSqlRow))]
#[cfg_attr(feature = "diesel", diesel(sql_type = diesel::sql_types::Timestamptz))]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// The clock of this machine. Rules take the instant as an argument instead.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one door to the clock")]
    pub fn now() -> Self {
        Self::from(Utc::now())
    }

    /// Seconds since 1970-01-01T00:00:00Z, rounded down: a JWT's `NumericDate`.
    #[must_use]
    pub fn unix_seconds(self) -> i64 {
        self.0.timestamp()
    }

    /// The instant of a JWT's `NumericDate`; `None` when no calendar holds it.
    #[must_use]
    pub fn from_unix_seconds(seconds: i64) -> Option<Self> {
        DateTime::from_timestamp(seconds, 0).map(Self)
    }

    /// The instant so many microseconds after 1970; `None` when no calendar holds it.
    #[must_use]
    pub fn from_unix_micros(micros: i64) -> Option<Self> {
        DateTime::from_timestamp_micros(micros).map(Self)
    }

    /// How long after `earlier` this is; zero when it is before.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        (self.0 - earlier.0).to_std().unwrap_or_default()
    }

    /// The instant as chrono's type.
    #[must_use]
    pub const fn datetime(self) -> DateTime<Utc> {
        self.0
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(instant: DateTime<Utc>) -> Self {
        Self(instant.trunc_subsecs(6))
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;

    /// Stays at the end of the calendar where the sum would leave it.
    fn add(self, span: Duration) -> Self {
        let later = chrono::Duration::from_std(span).ok().and_then(|span| self.0.checked_add_signed(span));
        Self(later.unwrap_or(DateTime::<Utc>::MAX_UTC))
    }
}

impl std::ops::Sub<Duration> for Timestamp {
    type Output = Self;

    /// Stays at the start of the calendar where the difference would leave it.
    fn sub(self, span: Duration) -> Self {
        let earlier = chrono::Duration::from_std(span).ok().and_then(|span| self.0.checked_sub_signed(span));
        Self(earlier.unwrap_or(DateTime::<Utc>::MIN_UTC))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let instant = DateTime::parse_from_rfc3339(&text).ok().map(|instant| Self::from(instant.to_utc()));
        // In UTC it must still have a year of four digits, or nobody could read it back.
        instant.filter(|instant| (0..=9999).contains(&instant.0.year())).ok_or_else(|| {
            de::Error::custom("an RFC 3339 instant is wanted, such as 2026-11-20T12:00:00.000Z")
        })
    }
}

impl PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .examples(["2099-12-31T12:00:00.000Z"])
            .into()
    }
}

impl ToSchema for Timestamp {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_milliseconds_and_z() {
        let noon: Timestamp = serde_json::from_str("\"2026-11-20T13:00:00.1239+01:00\"").unwrap();
        assert_eq!(serde_json::to_string(&noon).unwrap(), "\"2026-11-20T12:00:00.123Z\"");
    }

    #[test]
    fn what_is_written_can_be_read_back() {
        for bad in ["9999-12-31T23:59:59-12:00", "0000-01-01T00:00:00+12:00", "+10000-01-01T00:00:00Z", "now"]
        {
            assert!(serde_json::from_str::<Timestamp>(&format!("\"{bad}\"")).is_err(), "{bad}");
        }
    }

    #[test]
    fn sums_never_leave_the_calendar() {
        let now = Timestamp::now();
        assert!(now + Duration::MAX > now);
        assert!(now - Duration::MAX < now);
        assert_eq!(now.since(now + Duration::from_secs(1)), Duration::ZERO);
    }
}
