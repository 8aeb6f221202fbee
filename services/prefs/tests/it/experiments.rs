//! Experiments: who takes part, who is counted, what is found.

use contract_prefs::{
    Conversion, EvaluationReason, EvaluationRequest, Experiment, ExperimentState, Exposure, NewExperiment,
};
use serde_json::{Value, json};

use crate::{
    events::until,
    flags::{key, with_production},
    spawn::{Prefs, field, refused, spawn},
};

fn plan(patch: Value) -> NewExperiment {
    let mut plan = json!({
        "name": "Does it sell more?", "flag": "a", "metrics": ["buy"],
        "split": [{"variant": "off", "percent": 50}, {"variant": "on", "percent": 50}],
    });
    plan.as_object_mut().unwrap().extend(patch.as_object().unwrap().clone());
    serde_json::from_value(plan).unwrap()
}

async fn running(prefs: &Prefs, token: &str) -> Experiment {
    let here = json!({"enabled": true, "rules": [
        {"when": {"attribute": "staff", "op": "eq", "value": true}, "serve": {"variant": "on"}}]});
    prefs.client.create_flag(token, &with_production("a", here)).await.unwrap();
    let made = prefs.client.create_experiment(token, &plan(json!({}))).await.unwrap();
    assert_eq!((made.state, made.started_at), (ExperimentState::Draft, None));
    prefs.client.start_experiment(token, made.id).await.unwrap()
}

async fn variant(prefs: &Prefs, token: &str, who: &str) -> (String, EvaluationReason) {
    let context = json!({"targetingKey": who}).as_object().cloned();
    let asked = EvaluationRequest { context };
    let found = prefs.client.evaluate(token, "production", &key("a"), &asked).await.unwrap();
    (found.variant, found.reason)
}

fn bought(who: &str, value: f64) -> Conversion {
    Conversion { metric: key("buy"), targeting_key: who.to_owned(), value: Some(value) }
}

fn saw(who: &str, variant: &str) -> Exposure {
    let environment = key("production");
    Exposure { environment, targeting_key: who.to_owned(), variant: variant.to_owned() }
}

#[actix_web::test]
async fn who_is_evaluated_takes_part_and_is_counted_once() {
    let prefs = spawn().await;
    let (token, client) = (prefs.user(), &prefs.client);
    let experiment = running(&prefs, &token).await;
    let mut of = [0_i64, 0];
    for number in 0..40 {
        let who = format!("user-{number}");
        let (first, reason) = variant(&prefs, &token, &who).await;
        assert_eq!(
            (variant(&prefs, &token, &who).await, reason),
            ((first.clone(), reason), EvaluationReason::Split)
        );
        of[usize::from(first == "on")] += 1;
    }
    assert!(of[0] > 5 && of[1] > 5, "{of:?}");
    let staff = json!({"targetingKey": "boss", "staff": true}).as_object().cloned();
    client
        .evaluate(&token, "production", &key("a"), &EvaluationRequest { context: staff.clone() })
        .await
        .unwrap();
    client.evaluate_all(&token, "production", &EvaluationRequest { context: staff }, None).await.unwrap();
    client.tell_conversion(&token, experiment.id, &bought("user-1", 2.5)).await.unwrap();
    client.tell_conversion(&token, experiment.id, &bought("user-1", 4.0)).await.unwrap();
    client.tell_conversion(&token, experiment.id, &bought("nobody who saw it", 9.0)).await.unwrap();
    until("the exposures", async || prefs.number("SELECT count(*) FROM exposures").await == 40).await;
    let results = client.experiment_results(&token, experiment.id).await.unwrap();
    let seen: Vec<_> = results.variants.iter().map(|variant| variant.exposures).collect();
    assert_eq!(seen, of, "rules and bulk evaluations expose nobody");
    let metrics: Vec<_> = results.variants.iter().map(|variant| &variant.metrics[0]).collect();
    assert_eq!(metrics.iter().map(|metric| metric.conversions).sum::<i64>(), 1);
    assert_eq!(metrics.iter().map(|metric| metric.value).sum::<f64>(), 6.5);
    assert!(results.sample_ratio_p_value.is_some_and(|p| p > 0.001));
    let stored = "SELECT count(*) FROM exposures WHERE encode(subject, 'escape') LIKE '%user-%'";
    assert_eq!(prefs.number(stored).await, 0);
}

#[actix_web::test]
async fn a_client_tells_what_it_has_shown() {
    let prefs = spawn().await;
    let (token, client) = (prefs.user(), &prefs.client);
    running(&prefs, &token).await;
    let (own, _) = variant(&prefs, &token, "ada").await;
    let other = if own == "on" { "off" } else { "on" };
    let wrong = refused(client.tell_exposure(&token, &key("a"), &saw("ada", other)).await);
    assert_eq!((wrong.status, field(&wrong)), (422, ("/variant", "variant_not_assigned")));
    client.tell_exposure(&token, &key("a"), &saw("ada", &own)).await.unwrap();
    until("the exposure", async || prefs.number("SELECT count(*) FROM exposures").await == 1).await;
    let nothing = refused(client.tell_exposure(&token, &key("b"), &saw("ada", "on")).await);
    assert_eq!((nothing.status, nothing.code.as_str()), (404, "flag_not_found"));
    let elsewhere = Exposure { environment: key("staging"), ..saw("ada", &own) };
    let elsewhere = refused(client.tell_exposure(&token, &key("a"), &elsewhere).await);
    assert_eq!((elsewhere.status, elsewhere.code.as_str()), (409, "experiment_not_running"));
}

#[actix_web::test]
async fn an_experiment_starts_and_stops_once_and_one_runs_at_a_time() {
    let prefs = spawn().await;
    let (token, client) = (prefs.user(), &prefs.client);
    let first = running(&prefs, &token).await;
    let second = client.create_experiment(&token, &plan(json!({}))).await.unwrap();
    let both = refused(client.start_experiment(&token, second.id).await);
    assert_eq!((both.status, both.code.as_str()), (409, "experiment_already_running"));
    assert_eq!(refused(client.start_experiment(&token, first.id).await).code, "experiment_state");
    let elsewhere = plan(json!({"environment": "staging"}));
    let elsewhere = client.create_experiment(&token, &elsewhere).await.unwrap();
    client.start_experiment(&token, elsewhere.id).await.unwrap();
    let stops = (0..20).map(|_| client.stop_experiment(&token, first.id));
    let stopped = futures_util::future::join_all(stops).await;
    assert_eq!(stopped.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(variant(&prefs, &token, "ada").await, ("on".to_owned(), EvaluationReason::Default));
    let late = refused(client.tell_conversion(&token, first.id, &bought("ada", 1.0)).await);
    assert_eq!(late.code, "experiment_not_running");
    assert_eq!(refused(client.start_experiment(&token, first.id).await).code, "experiment_state");
    client.start_experiment(&token, second.id).await.unwrap();
    let listed = client.experiments(&token, 2, None).await.unwrap();
    assert_eq!(listed.data.iter().map(|one| one.id).collect::<Vec<_>>(), [first.id, second.id]);
    let read = client.experiment(&token, first.id).await.unwrap();
    assert!(read.state == ExperimentState::Stopped && read.stopped_at.is_some());
    let stranger = prefs.user();
    assert_eq!(refused(client.experiment(&stranger, first.id).await).status, 404);
    assert_eq!(refused(client.experiment_results(&stranger, first.id).await).status, 404);
    assert_eq!(refused(client.stop_experiment(&stranger, second.id).await).status, 404);
    assert_eq!(refused(client.tell_conversion(&stranger, second.id, &bought("x", 1.0)).await).status, 404);
}

#[actix_web::test]
async fn what_an_experiment_compares_cannot_go() {
    let prefs = spawn().await;
    let (token, client) = (prefs.user(), &prefs.client);
    let experiment = running(&prefs, &token).await;
    let held = refused(client.archive_flag(&token, &key("a"), "*").await);
    assert_eq!((held.status, held.code.as_str()), (409, "in_use"));
    let mut less = with_production("a", json!({"enabled": true}));
    less.variants.remove("off");
    less.off_variant = "on".to_owned();
    assert_eq!(refused(client.replace_flag(&token, &key("a"), "*", &less).await).code, "in_use");
    client.stop_experiment(&token, experiment.id).await.unwrap();
    client.replace_flag(&token, &key("a"), "*", &less).await.unwrap();
    let gone = client.create_experiment(&token, &plan(json!({}))).await;
    assert_eq!(field(&refused(gone)), ("/split/0/variant", "unknown_variant"));
}

#[actix_web::test]
async fn a_plan_that_makes_no_sense_is_refused() {
    let prefs = spawn().await;
    let (token, client) = (prefs.user(), &prefs.client);
    client.create_flag(&token, &with_production("a", json!({"enabled": true}))).await.unwrap();
    for (patch, at, code) in [
        (json!({"flag": "b"}), "/flag", "unknown_flag"),
        (json!({"environment": "mars"}), "/environment", "unknown_environment"),
        (json!({"name": ""}), "/name", "bad_length"),
        (json!({"metrics": []}), "/metrics", "bad_count"),
        (json!({"metrics": ["buy", "buy"]}), "/metrics", "bad_count"),
        (json!({"split": [{"variant": "on", "percent": 100}]}), "/split", "bad_count"),
        (json!({"traffic_percent": 101}), "/traffic_percent", "bad_percentage"),
        (json!({"when": {"segment": "nobody"}}), "/when/segment", "unknown_segment"),
    ] {
        let refusal = refused(client.create_experiment(&token, &plan(patch.clone())).await);
        assert_eq!((refusal.status, field(&refusal)), (422, (at, code)), "{patch}");
    }
    let experiment = client.create_experiment(&token, &plan(json!({}))).await.unwrap();
    client.start_experiment(&token, experiment.id).await.unwrap();
    let other = Conversion { metric: key("sell"), ..bought("ada", 1.0) };
    let other = refused(client.tell_conversion(&token, experiment.id, &other).await);
    assert_eq!(field(&other), ("/metric", "unknown_metric"));
}

#[actix_web::test]
async fn no_value_makes_the_sums_overflow() {
    let prefs = spawn().await;
    let (token, client) = (prefs.user(), &prefs.client);
    let experiment = running(&prefs, &token).await;
    for huge in [1e308, -1e308, 1.1e15] {
        let refusal = refused(client.tell_conversion(&token, experiment.id, &bought("ada", huge)).await);
        assert_eq!((refusal.status, field(&refusal)), (422, ("/value", "out_of_range")), "{huge}");
    }
    client.tell_conversion(&token, experiment.id, &bought("ada", 1e15)).await.unwrap();
    client.tell_conversion(&token, experiment.id, &bought("ada", 1e15)).await.unwrap();
    client.experiment_results(&token, experiment.id).await.unwrap();
}
