use ids::UserId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use service_discovery::Service;
use utoipa::ToSchema;

/// Where a service tells what it holds about a person, on its internal listener.
#[must_use]
pub fn personal_data_path(service: Service) -> String {
    format!("/internal/v1/{service}/export")
}

/// Asks a service what it holds about a person: the query of [`personal_data_path`]. Only
/// auth asks, by a token of its own.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonalDataQuery {
    /// About whom.
    pub user_id: UserId,
}

/// All that one service holds about a person, in every organisation: a part of what they
/// download (article 15 of the GDPR). It is whole: a service that cannot tell all of it
/// answers with an error, and is asked again. It holds no secrets, and nothing that is
/// about others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PersonalData {
    /// The sections, by name; each is what its name says, mostly a list.
    #[schema(value_type = Object, example = json!({"documents": [{"namespace": "appearance"}]}))]
    pub sections: Map<String, Value>,
}

impl PersonalData {
    /// With a section more.
    ///
    /// # Errors
    /// When it is nothing that JSON can say.
    pub fn with(mut self, name: &str, section: impl Serialize) -> Result<Self, serde_json::Error> {
        self.sections.insert(name.to_owned(), serde_json::to_value(section)?);
        Ok(self)
    }
}
