use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use contract_auth::{Mail, MailKind};
use ids::{EventId, MailId};
use serde::Deserialize;
use utoipa::IntoParams;

/// How many mails are kept.
const MOST: usize = 1000;

/// How many events are remembered, so that one that is told again brings back no mail
/// that was cleared away.
const REMEMBERED: usize = 10_000;

/// The mails, in memory. Ids of both kinds begin with the time, so the first is the oldest.
#[derive(Debug, Default)]
pub(super) struct Mailbox(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    mails: BTreeMap<MailId, Mail>,
    taken: BTreeSet<EventId>,
}

/// Which mails are wanted; all, when it says nothing.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Those to this address.
    #[param(example = "ada@example.com")]
    pub(super) to: Option<String>,
    /// Those of this kind.
    pub(super) kind: Option<MailKind>,
}

impl Mailbox {
    pub(super) fn has_taken(&self, event: EventId) -> bool {
        self.held().taken.contains(&event)
    }

    /// Takes what an event asked for, if there is a mail; gives whether the event was new.
    pub(super) fn take(&self, event: EventId, mail: Option<Mail>) -> bool {
        let mut held = self.held();
        let new = held.taken.insert(event);
        if held.taken.len() > REMEMBERED {
            held.taken.pop_first();
        }
        if let (true, Some(mail)) = (new, mail) {
            held.mails.insert(mail.id, mail);
        }
        if held.mails.len() > MOST {
            held.mails.pop_first();
        }
        new
    }

    /// The newest first.
    pub(super) fn list(&self, wanted: &Wanted) -> Vec<Mail> {
        self.held().mails.values().rev().filter(|mail| wanted.includes(mail)).cloned().collect()
    }

    pub(super) fn find(&self, id: MailId) -> Option<Mail> {
        self.held().mails.get(&id).cloned()
    }

    pub(super) fn clear(&self) {
        self.held().mails.clear();
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wanted {
    fn includes(&self, mail: &Mail) -> bool {
        self.to.as_ref().is_none_or(|to| to.eq_ignore_ascii_case(&mail.to))
            && self.kind.is_none_or(|kind| kind == mail.kind)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use ids::Timestamp;
    use serde_json::Map;

    use super::*;

    pub(crate) fn mail(to: &str, kind: MailKind) -> Mail {
        Mail {
            id: MailId::generate(),
            kind,
            to: to.to_owned(),
            user_id: None,
            org_id: None,
            link: None,
            token: None,
            expires_at: None,
            variables: Map::new(),
            created_at: Timestamp::now(),
        }
    }

    #[test]
    fn an_event_brings_its_mail_once_even_when_it_was_cleared_away() {
        let (mailbox, event) = (Mailbox::default(), EventId::generate());
        let ada = mail("ada@example.com", MailKind::MagicLink);
        assert!(mailbox.take(event, Some(ada.clone())));
        assert!(mailbox.has_taken(event) && mailbox.find(ada.id).is_some());
        mailbox.clear();
        assert!(!mailbox.take(event, Some(ada)));
        assert!(mailbox.list(&Wanted::default()).is_empty());
    }

    #[test]
    fn the_newest_come_first_and_the_oldest_are_dropped() {
        let mailbox = Mailbox::default();
        for number in 0..=MOST {
            mailbox
                .take(EventId::generate(), Some(mail(&format!("{number}@example.com"), MailKind::NewDevice)));
        }
        let all = mailbox.list(&Wanted::default());
        assert_eq!(all.len(), MOST);
        assert!(all.is_sorted_by(|newer, older| newer.id > older.id));
    }

    #[test]
    fn one_finds_by_address_and_kind() {
        let mailbox = Mailbox::default();
        mailbox.take(EventId::generate(), Some(mail("ada@example.com", MailKind::MagicLink)));
        mailbox.take(EventId::generate(), Some(mail("ada@example.com", MailKind::VerifyEmail)));
        mailbox.take(EventId::generate(), Some(mail("bob@example.com", MailKind::MagicLink)));
        let found = |to: Option<&str>, kind| mailbox.list(&Wanted { to: to.map(str::to_owned), kind }).len();
        assert_eq!(found(Some("Ada@Example.com"), None), 2);
        assert_eq!(found(Some("ada@example.com"), Some(MailKind::MagicLink)), 1);
        assert_eq!((found(None, Some(MailKind::MagicLink)), found(Some("eve@example.com"), None)), (2, 0));
    }
}
