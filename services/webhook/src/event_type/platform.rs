//! What the platform itself tells: the public events of all services.

use std::sync::LazyLock;

use contract_webhook::EventType;

/// All of them, by name.
static TYPES: LazyLock<Vec<EventType>> = LazyLock::new(|| {
    let all = [
        contract_auth::events::catalogue(),
        contract_prefs::events::catalogue(),
        contract_webhook::events::catalogue(),
    ];
    let mut types: Vec<EventType> = all.concat().into_iter().filter(|one| one.public).map(shown).collect();
    types.sort_by(|one, other| one.name.cmp(&other.name));
    types
});

pub(super) fn all() -> &'static [EventType] {
    &TYPES
}

pub(super) fn find(name: &str) -> Option<&'static EventType> {
    TYPES.iter().find(|one| one.name == name)
}

/// Whether only the platform sends it.
pub(crate) fn is_platforms(name: &str) -> bool {
    find(name).is_some()
}

fn shown(one: contract_events::EventType) -> EventType {
    EventType {
        name: one.name.to_owned(),
        description: one.description.to_owned(),
        schema: Some(one.schema),
        example: Some(one.example),
        platform: true,
        created_at: None,
        updated_at: None,
    }
}
