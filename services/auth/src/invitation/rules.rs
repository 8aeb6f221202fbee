use std::time::Duration;

use ids::Timestamp;
use problem::FieldError;

use super::InvitationError;
use crate::account::Email;

/// How long it waits between two mails of one invitation: nobody floods a stranger.
const BETWEEN_MAILS: Duration = Duration::from_secs(60);

/// How many mails an address gets from one organisation in the span of [`WINDOW`], however many
/// invitations are made and taken back.
pub(super) const MOST_MAILS: u16 = 5;

/// The span that mails are counted in.
const WINDOW: Duration = Duration::from_secs(60 * 60);

/// The address that is invited.
pub(super) fn accept(email: &str) -> Result<Email, InvitationError> {
    email.parse().map_err(|why| {
        let fault = FieldError::new("/email", "not_an_address", format!("{why}"));
        InvitationError::Invalid(vec![fault])
    })
}

/// Refuses to mail an invitation again so soon.
pub(super) fn may_send_again(sent_at: Timestamp, now: Timestamp) -> Result<(), InvitationError> {
    match BETWEEN_MAILS.checked_sub(now.since(sent_at)) {
        Some(left) if !left.is_zero() => Err(InvitationError::JustSent(left)),
        _ => Ok(()),
    }
}

/// Refuses to mail the address once more; `last` is when the [`MOST_MAILS`]-latest mail was asked
/// for.
pub(super) fn may_mail(last: Option<Timestamp>, now: Timestamp) -> Result<(), InvitationError> {
    match last.and_then(|at| WINDOW.checked_sub(now.since(at))) {
        Some(left) if !left.is_zero() => Err(InvitationError::TooManyMails(left)),
        _ => Ok(()),
    }
}

/// Refuses an account that is not the invited one: the address is the same and verified, or
/// the invitation is somebody else's, and stays theirs.
pub(super) fn may_answer(invited: &str, email: &str, verified: bool) -> Result<(), InvitationError> {
    match (invited == email, verified) {
        (false, _) => Err(InvitationError::ForAnother),
        (true, false) => Err(InvitationError::Unverified),
        (true, true) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_mail_a_minute() {
        let now = Timestamp::now();
        let after = |seconds| may_send_again(now, now + Duration::from_secs(seconds));
        assert!(matches!(after(0), Err(InvitationError::JustSent(left)) if left == BETWEEN_MAILS));
        assert!(after(59).is_err() && after(60).is_ok() && after(3600).is_ok());
    }

    #[test]
    fn five_mails_an_hour() {
        let now = Timestamp::now();
        let after = |seconds| may_mail(Some(now), now + Duration::from_secs(seconds));
        assert!(matches!(after(0), Err(InvitationError::TooManyMails(left)) if left == WINDOW));
        assert!(after(3599).is_err() && after(3600).is_ok() && may_mail(None, now).is_ok());
    }

    proptest! {
        #[test]
        fn only_the_invited_address_answers_and_only_verified(
            invited in "[a-c]@x\\.com", email in "[a-c]@x\\.com", verified: bool,
        ) {
            let may = may_answer(&invited, &email, verified).is_ok();
            prop_assert_eq!(may, invited == email && verified);
        }
    }
}
