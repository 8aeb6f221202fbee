//! Several counts in one step, and costs.

use futures_util::future::join_all;
use proptest::{prelude::*, test_runner::TestRunner};
use rate_limiter::{Policy, Quota, Verdict};

use crate::{limiter, policy};

#[tokio::test]
async fn what_one_policy_refuses_costs_the_others_nothing() {
    let limiter = limiter(&testing::redis_url());
    let (user, org) = (policy("user", Quota::per_hour(2)), policy("org", Quota::per_hour(10)));
    let check = async |who: &str| limiter.check(&[org.of("org"), user.of(who)]).await;
    for left in [9, 8] {
        assert_eq!(check("one").await.standings[0].remaining, left);
    }
    for _ in 0..20 {
        let refused = check("one").await;
        assert_eq!(refused.verdict, Verdict::TooMany);
        assert_eq!(refused.refused_by().map(Policy::name), Some(user.name()));
    }
    assert_eq!(check("other").await.standings[0].remaining, 7, "the refused ones cost nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_by_several_keys_in_any_order_pass_as_often_as_all_allow() {
    let replicas = [(); 2].map(|()| limiter(&testing::redis_url()));
    let (one, other) = (policy("one", Quota::per_hour(20)), policy("other", Quota::per_hour(7)));
    let all = (0..100).map(|number| {
        let replica = &replicas[number % 2];
        let counts = [one.of("k"), other.of("k")];
        let [first, second] = counts;
        let counts = if number % 3 == 0 { [second, first] } else { [first, second] };
        async move { replica.check(&counts).await.is_allowed() }
    });
    let passed = join_all(all).await.into_iter().filter(|passed| *passed).count();
    assert_eq!(passed, 7);
    let left = replicas[0].check(&[one.of("k")]).await.standings[0].remaining;
    assert_eq!(left, 20 - 7 - 1);
}

#[tokio::test]
async fn a_request_counts_as_much_as_it_costs() {
    let (limiter, policy) = (limiter(&testing::redis_url()), policy("cost", Quota::per_hour(10)));
    let check = async |cost| limiter.check(&[policy.of("k").costing(cost)]).await;
    assert_eq!(check(4).await.standings[0].remaining, 6);
    assert_eq!(check(7).await.verdict, Verdict::TooMany);
    assert_eq!(check(6).await.standings[0].remaining, 0);
    assert!(!check(1).await.is_allowed());
    assert!(limiter.check(&[]).await.is_allowed(), "what counts as nothing is not limited");
}

/// A history against a model: each key holds exactly what passed.
#[test]
fn any_history_of_several_keys_and_costs_agrees_with_a_model() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let bursts = [1, 3, 5, 9];
    let request = prop::collection::btree_map(0_usize..4, 1_u32..4, 1..4);
    let histories = prop::collection::vec(request, 1..40);
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
    let run = TestRunner::new(config).run(&histories, |history| {
        // A limiter for each request would know no refusals: half of them ask Redis afresh.
        let known = runtime.block_on(async { limiter(&testing::redis_url()) });
        let policies = bursts.map(|burst| policy("model", Quota::per_hour(burst)));
        let mut passed = [0; 4];
        for (number, request) in history.into_iter().enumerate() {
            let fresh = limiter(&testing::redis_url());
            let limiter = if number % 2 == 0 { &known } else { &fresh };
            let counts: Vec<_> =
                request.iter().map(|(key, cost)| policies[*key].of("k").costing(*cost)).collect();
            let costs: Vec<_> = request.iter().map(|(key, cost)| (*key, (*cost).min(bursts[*key]))).collect();
            let fits = costs.iter().all(|(key, cost)| passed[*key] + cost <= bursts[*key]);
            let decision = runtime.block_on(limiter.check(&counts));
            prop_assert_eq!(decision.is_allowed(), fits);
            if fits {
                costs.iter().for_each(|(key, cost)| passed[*key] += cost);
            }
            for (standing, (key, _)) in decision.standings.iter().zip(&costs) {
                prop_assert!(number % 2 == 0 || standing.remaining == bursts[*key] - passed[*key]);
            }
        }
        Ok(())
    });
    run.unwrap();
}
