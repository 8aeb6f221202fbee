use aws_lc_rs::{constant_time, hmac};
use data_encoding::BASE32_NOPAD;

/// How long a code is shown, seconds.
const STEP: i64 = 30;

/// The one-time password of a counter, 6 digits (RFC 4226 section 5.3). HMAC-SHA-1 is what
/// every authenticator app speaks, and HMAC does not lean on SHA-1's collision resistance.
fn hotp(secret: &[u8], counter: i64) -> u32 {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &counter.to_be_bytes());
    let tag = tag.as_ref();
    let offset = tag.last().map_or(0, |last| usize::from(last & 0x0f));
    let four = tag.get(offset..).and_then(<[u8]>::first_chunk::<4>).copied().unwrap_or_default();
    (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000
}

/// The time step whose code this is: the current one, or one before or after it, for clocks
/// that differ (RFC 6238 section 5.2). All are tried, so that time does not tell which.
pub(super) fn step_of(secret: &[u8], code: &str, unix_seconds: i64) -> Option<i64> {
    let now = unix_seconds.div_euclid(STEP);
    let is_it = |step: &i64| {
        let wanted = format!("{:06}", hotp(secret, *step));
        constant_time::verify_slices_are_equal(wanted.as_bytes(), code.as_bytes()).is_ok()
    };
    [now + 1, now - 1, now].into_iter().filter(is_it).fold(None, |_, step| Some(step))
}

/// What an authenticator app reads from a QR code (the Key URI format).
pub(super) fn uri(secret: &[u8], issuer: &str, account: &str) -> String {
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let (issuer, account) = (encode(issuer).replace('+', "%20"), encode(account));
    let secret = BASE32_NOPAD.encode(secret);
    format!(
        "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits=6&period=30"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    /// RFC 4226, appendix D.
    #[test]
    fn counters_have_the_codes_of_the_rfc() {
        let codes =
            [755_224, 287_082, 359_152, 969_429, 338_314, 254_676, 287_922, 162_583, 399_871, 520_489];
        for (counter, code) in (0..).zip(codes) {
            assert_eq!(hotp(SECRET, counter), code, "{counter}");
        }
    }

    /// RFC 6238, appendix B, of which we take six digits.
    #[test]
    fn times_have_the_codes_of_the_rfc() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(step_of(SECRET, code, seconds), Some(seconds / STEP), "{seconds}");
        }
    }

    #[test]
    fn a_clock_may_be_one_step_off_and_no_more() {
        let step = step_of(SECRET, "081804", 1_111_111_109).unwrap();
        for (seconds, taken) in [
            ((step - 2) * STEP, false),
            ((step - 1) * STEP, true),
            ((step + 2) * STEP - 1, true),
            ((step + 2) * STEP, false),
        ] {
            assert_eq!(step_of(SECRET, "081804", seconds), taken.then_some(step), "{seconds}");
        }
        for nonsense in ["", "81804", "0081804", "08180４", "-81804"] {
            assert_eq!(step_of(SECRET, nonsense, 1_111_111_109), None, "{nonsense}");
        }
    }

    #[test]
    fn an_app_reads_whose_code_it_is() {
        let uri = uri(SECRET, "Plinth & Co", "ada+x@example.com");
        assert_eq!(
            uri,
            "otpauth://totp/Plinth%20%26%20Co:ada%2Bx%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Plinth%20%26%20Co&algorithm=SHA1&digits=6&period=30"
        );
    }
}
