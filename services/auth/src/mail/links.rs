use contract_auth::Secret;

use crate::one_time::Purpose;

/// Where the links in mails lead: to pages of the product's front end, which show the token
/// to the API. What a request says of its host is never looked at.
#[derive(Clone, Debug)]
pub(crate) struct Links {
    base: String,
}

impl Links {
    /// `base` is the front end's URL, without a slash at its end.
    pub(crate) fn new(base: &str) -> Self {
        Self { base: base.trim_end_matches('/').to_owned() }
    }

    /// The link for a token of this purpose; `None` for what is never mailed.
    pub(crate) fn to(&self, purpose: Purpose, token: &Secret) -> Option<Secret> {
        let page = match purpose {
            Purpose::VerifyEmail => "verify-email",
            Purpose::ChangeEmail => "confirm-email",
            Purpose::ResetPassword => "reset-password",
            Purpose::MagicLink => "magic-link",
            Purpose::Invitation => "invitation",
            Purpose::SecondFactor | Purpose::WebSocket => return None,
        };
        Some(Secret::from(format!("{}/{page}?token={}", self.base, token.expose())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_the_front_end_whatever_the_slashes() {
        let token = Secret::from("plt_x");
        for base in ["https://app.example.com", "https://app.example.com/"] {
            let link = Links::new(base).to(Purpose::MagicLink, &token).unwrap();
            assert_eq!(link.expose(), "https://app.example.com/magic-link?token=plt_x");
        }
        assert!(Links::new("https://x").to(Purpose::WebSocket, &token).is_none());
    }
}
