use std::collections::{BTreeMap, BTreeSet, HashMap};

use contract_prefs::{ExperimentId, FlagCondition, FlagDefinition, NewExperiment};
use ids::OrgId;
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    environment::BUILT_IN,
    flag::Surroundings,
    targeting::{Asking, CompiledFlag, Condition, Faults, Outcome, Participation, Segments, Unanswered},
};

/// The set of an organisation at one version, ready to be evaluated.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    /// 0 where nothing was ever written.
    pub(super) version: i64,
    salt: Vec<u8>,
    flags: BTreeMap<String, (i64, CompiledFlag)>,
    segments: BTreeMap<String, Condition>,
    own_environments: BTreeSet<String>,
    /// What runs, by flag and environment.
    running: HashMap<(String, String), Participation>,
}

/// What the database holds of a set.
#[derive(Debug, Deserialize)]
pub(super) struct Stored {
    pub(super) flags: Vec<(String, i64, FlagDefinition)>,
    pub(super) segments: Vec<(String, FlagCondition)>,
    pub(super) environments: BTreeSet<String>,
    pub(super) running: Vec<(Uuid, NewExperiment)>,
}

impl Snapshot {
    /// Compiles what is stored. What was accepted once compiles; should it not, it is left
    /// out, and the log says so.
    pub(super) fn compile(org: OrgId, version: i64, salt: Vec<u8>, stored: Stored) -> Self {
        let broken = |what: &str, key: &str| {
            tracing::error!(%org, version, what, key, "what was accepted once does not compile");
        };
        let mut segments = BTreeMap::new();
        for (key, condition) in stored.segments {
            match Condition::compile(&condition, &|_| false, "", &mut Faults::default()) {
                Some(compiled) => drop(segments.insert(key, compiled)),
                None => broken("segment", &key),
            }
        }
        let known = |key: &str| segments.contains_key(key);
        let mut flags = BTreeMap::new();
        for (key, version, definition) in stored.flags {
            match CompiledFlag::compile(&definition, &known) {
                Ok(compiled) => drop(flags.insert(key, (version, compiled))),
                Err(_faults) => broken("flag", &key),
            }
        }
        let mut running = HashMap::new();
        for (id, plan) in stored.running {
            let id = ExperimentId::from_uuid(id);
            let at = (plan.flag.to_string(), plan.environment.to_string());
            let flag = flags.get(&at.0);
            let has = |name: &str| flag.is_some_and(|(_, flag)| flag.has_variant(name));
            match Participation::compile(id, &plan, has, &known) {
                Ok(compiled) => drop(running.insert(at, compiled)),
                Err(_faults) => broken("experiment", &id.to_string()),
            }
        }
        Self { version, salt, flags, segments, own_environments: stored.environments, running }
    }

    pub(crate) fn has_environment(&self, key: &str) -> bool {
        BUILT_IN.contains(&key) || self.own_environments.contains(key)
    }

    /// What a new flag may name.
    pub(crate) fn surroundings(&self) -> Surroundings {
        let built_in = BUILT_IN.iter().map(|key| (*key).to_owned());
        Surroundings {
            segments: self.segments.keys().cloned().collect(),
            environments: built_in.chain(self.own_environments.iter().cloned()).collect(),
        }
    }

    /// The flag of this key, unless it is archived.
    pub(crate) fn flag(&self, key: &str) -> Option<&CompiledFlag> {
        self.flags.get(key).map(|(_, flag)| flag)
    }

    /// The segments, for one context.
    pub(super) fn segments(&self) -> Segments<'_> {
        Segments::of(&self.segments)
    }

    /// The flags in the order of their keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.flags.keys().map(String::as_str)
    }

    /// The version of a flag and its value; `None` for a flag that there is not.
    pub(super) fn evaluate<'a>(
        &'a self,
        key: &str,
        asking: &Asking<'a>,
        segments: &Segments<'_>,
    ) -> Option<(i64, Result<Outcome<'a>, Unanswered>)> {
        let (version, flag) = self.flags.get(key)?;
        Some((*version, flag.evaluate(asking, segments, self.running(key, asking.environment))))
    }

    /// The experiment that runs on a flag in an environment.
    pub(crate) fn running(&self, flag: &str, environment: &str) -> Option<&Participation> {
        self.running.get(&(flag.to_owned(), environment.to_owned()))
    }

    /// What the hashes of targeting keys are salted with.
    pub(crate) fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// The experiment that runs on a flag with a variant of which `is` holds.
    pub(crate) fn experiment_with(&self, flag: &str, is: impl Fn(&str) -> bool) -> Option<ExperimentId> {
        let here = self.running.iter().filter(|((on, _), _)| on == flag);
        let mut with = here.filter(|(_, running)| running.variants().any(&is));
        with.next().map(|(_, running)| running.experiment)
    }

    /// The flag, or the experiment that runs, whose conditions name a segment.
    pub(crate) fn user_of_segment(&self, key: &str) -> Option<String> {
        let flag = self.flags.iter().find(|(_, (_, flag))| flag.names_segment(key));
        let running = self.running.values().find(|running| running.names_segment(key));
        let running = running.map(|running| format!("the experiment {}", running.experiment));
        flag.map(|(key, _)| format!("the flag `{key}`")).or(running)
    }

    /// The flag that says anything about an environment.
    pub(crate) fn user_of_environment(&self, key: &str) -> Option<String> {
        let flag = self.flags.iter().find(|(_, (_, flag))| flag.names_environment(key));
        let running = self.running.iter().find(|((_, environment), _)| environment == key);
        let running = running.map(|(_, running)| format!("the experiment {}", running.experiment));
        flag.map(|(key, _)| format!("the flag `{key}`")).or(running)
    }
}
