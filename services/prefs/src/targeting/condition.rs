//! A condition on the evaluation context.

use std::{
    cell::RefCell,
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use contract_prefs::{FlagCondition, FlagOperator as Op};
use semver::Version;
use serde_json::{Map, Value};

use super::Faults;

/// How many levels of conditions there are at most.
const DEEPEST: usize = 5;

/// How many values a list may have.
const MOST_VALUES: usize = 1_000;

/// A [`FlagCondition`] without faults.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Segment(String),
    Test { attribute: String, test: Test },
}

/// What an attribute must be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    Is { value: Value, wanted: bool },
    Among { values: BTreeSet<Scalar>, wanted: bool },
    Contains(Value),
    StartsWith(String),
    EndsWith(String),
    Number(Order, f64),
    Version(Order, Version),
    Exists(bool),
}

/// How two things stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Same,
    Greater,
    GreaterOrSame,
    Less,
    LessOrSame,
}

/// A text, a number or a truth value that stands among others; `1` and `1.0` are the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scalar {
    Truth(bool),
    /// The bits of a float.
    Number(u64),
    Text(String),
}

/// The conditions that other conditions name, asked about one context: each once, however many
/// name it.
#[derive(Debug, Default)]
pub(crate) struct Segments<'a> {
    conditions: Option<&'a BTreeMap<String, Condition>>,
    asked: RefCell<BTreeMap<&'a str, bool>>,
}

impl<'a> Segments<'a> {
    pub(crate) fn of(conditions: &'a BTreeMap<String, Condition>) -> Self {
        Self { conditions: Some(conditions), ..Self::default() }
    }

    /// Whether the segment of this key holds; one that there is not does not.
    fn hold(&self, key: &str, context: &Map<String, Value>) -> bool {
        let asked = self.asked.borrow().get(key).copied();
        asked.unwrap_or_else(|| {
            let found = self.conditions.and_then(|conditions| conditions.get_key_value(key));
            let Some((key, condition)) = found else { return false };
            let holds = condition.holds(context, self);
            self.asked.borrow_mut().insert(key, holds);
            holds
        })
    }
}

impl Condition {
    /// The condition, or `None` with what is wrong in `faults`. `segments` says which may
    /// be named.
    pub(crate) fn compile(
        written: &FlagCondition,
        segments: &dyn Fn(&str) -> bool,
        at: &str,
        faults: &mut Faults,
    ) -> Option<Self> {
        Self::at_depth(written, segments, at, faults, 1)
    }

    fn at_depth(
        written: &FlagCondition,
        segments: &dyn Fn(&str) -> bool,
        at: &str,
        faults: &mut Faults,
        depth: usize,
    ) -> Option<Self> {
        if depth > DEEPEST {
            faults.add(at, "too_deep", format!("at most {DEEPEST} levels of conditions are wanted"));
            return None;
        }
        let mut each = |list: &[FlagCondition], at: String| {
            let compiled = list.iter().enumerate().map(|(index, condition)| {
                Self::at_depth(condition, segments, &format!("{at}/{index}"), faults, depth + 1)
            });
            // All of them, so that every fault is found.
            compiled.collect::<Vec<_>>().into_iter().collect::<Option<Vec<_>>>()
        };
        let FlagCondition { all, any, not, segment, attribute, op, value } = written;
        match (all, any, not, segment, attribute, op, value) {
            (Some(list), None, None, None, None, None, None) => {
                each(list, format!("{at}/all")).map(Self::All)
            }
            (None, Some(list), None, None, None, None, None) => {
                each(list, format!("{at}/any")).map(Self::Any)
            }
            (None, None, Some(inner), None, None, None, None) => {
                let inner = Self::at_depth(inner, segments, &format!("{at}/not"), faults, depth + 1);
                inner.map(|inner| Self::Not(Box::new(inner)))
            }
            (None, None, None, Some(key), None, None, None) if segments(key.as_str()) => {
                Some(Self::Segment(key.to_string()))
            }
            (None, None, None, Some(_), None, None, None) => {
                faults.add(format!("{at}/segment"), "unknown_segment", "no segment can be named so here");
                None
            }
            (None, None, None, None, Some(attribute), Some(op), Some(value)) => {
                let test = Test::compile(*op, value, &format!("{at}/value"), faults)?;
                Some(Self::Test { attribute: attribute.clone(), test })
            }
            _ => {
                let wanted = "exactly one of `all`, `any`, `not`, `segment`, or `attribute` with `op` and `value` is wanted";
                faults.add(at, "bad_condition", wanted);
                None
            }
        }
    }

    /// Whether it holds for a context.
    pub(crate) fn holds(&self, context: &Map<String, Value>, segments: &Segments<'_>) -> bool {
        match self {
            Self::All(list) => list.iter().all(|condition| condition.holds(context, segments)),
            Self::Any(list) => list.iter().any(|condition| condition.holds(context, segments)),
            Self::Not(inner) => !inner.holds(context, segments),
            Self::Segment(key) => segments.hold(key, context),
            Self::Test { attribute, test } => test.holds(attribute_of(context, attribute)),
        }
    }

    /// The segments that it names.
    pub(crate) fn segments(&self) -> Vec<&str> {
        match self {
            Self::All(list) | Self::Any(list) => list.iter().flat_map(Self::segments).collect(),
            Self::Not(inner) => inner.segments(),
            Self::Segment(key) => vec![key],
            Self::Test { .. } => Vec::new(),
        }
    }
}

impl Test {
    fn compile(op: Op, value: &Value, at: &str, faults: &mut Faults) -> Option<Self> {
        let compiled = match op {
            Op::Eq | Op::Neq => scalar(value).map(|value| Self::Is { value, wanted: op == Op::Eq }),
            Op::In | Op::NotIn => scalars(value).map(|values| Self::Among { values, wanted: op == Op::In }),
            Op::Contains => scalar(value).map(Self::Contains),
            Op::StartsWith => value.as_str().map(|text| Self::StartsWith(text.to_owned())),
            Op::EndsWith => value.as_str().map(|text| Self::EndsWith(text.to_owned())),
            Op::Gt | Op::Gte | Op::Lt | Op::Lte => {
                value.as_f64().map(|number| Self::Number(Order::of(op), number))
            }
            Op::SemverEq | Op::SemverGt | Op::SemverGte | Op::SemverLt | Op::SemverLte => {
                value.as_str().and_then(version).map(|version| Self::Version(Order::of(op), version))
            }
            Op::Exists => value.as_bool().map(Self::Exists),
        };
        if compiled.is_none() {
            faults.add(at, "bad_operand", format!("{} is wanted", operand(op)));
        }
        compiled
    }

    fn holds(&self, attribute: Option<&Value>) -> bool {
        let attribute = attribute.filter(|value| !value.is_null());
        if let Self::Exists(wanted) = self {
            return attribute.is_some() == *wanted;
        }
        let Some(attribute) = attribute else { return false };
        match self {
            Self::Is { value, wanted } => {
                scalar(attribute).is_some_and(|attribute| is_same(&attribute, value) == *wanted)
            }
            Self::Among { values, wanted } => {
                let is_among = |one: &Value| Scalar::of(one).is_some_and(|one| values.contains(&one));
                match attribute {
                    Value::Array(items) => items.iter().any(is_among) == *wanted,
                    _ => is_among(attribute) == *wanted,
                }
            }
            Self::Contains(part) => match (attribute, part) {
                (Value::Array(items), part) => items.iter().any(|item| is_same(item, part)),
                (Value::String(text), Value::String(part)) => text.contains(part.as_str()),
                _ => false,
            },
            Self::StartsWith(begin) => attribute.as_str().is_some_and(|text| text.starts_with(begin)),
            Self::EndsWith(end) => attribute.as_str().is_some_and(|text| text.ends_with(end)),
            Self::Number(order, number) => attribute
                .as_f64()
                .and_then(|given| given.partial_cmp(number))
                .is_some_and(|is| order.fits(is)),
            Self::Version(order, wanted) => {
                let given = attribute.as_str().and_then(version);
                given.is_some_and(|given| order.fits(given.cmp_precedence(wanted)))
            }
            Self::Exists(_) => false,
        }
    }
}

impl Order {
    const fn of(op: Op) -> Self {
        match op {
            Op::Gt | Op::SemverGt => Self::Greater,
            Op::Gte | Op::SemverGte => Self::GreaterOrSame,
            Op::Lt | Op::SemverLt => Self::Less,
            Op::Lte | Op::SemverLte => Self::LessOrSame,
            _ => Self::Same,
        }
    }

    fn fits(self, is: Ordering) -> bool {
        match self {
            Self::Same => is.is_eq(),
            Self::Greater => is.is_gt(),
            Self::GreaterOrSame => is.is_ge(),
            Self::Less => is.is_lt(),
            Self::LessOrSame => is.is_le(),
        }
    }
}

/// The attribute of this very name, or what a name with dots leads to.
fn attribute_of<'a>(context: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    context.get(name).or_else(|| {
        let (first, rest) = name.split_once('.')?;
        attribute_of(context.get(first)?.as_object()?, rest)
    })
}

fn scalar(value: &Value) -> Option<Value> {
    matches!(value, Value::Bool(_) | Value::Number(_) | Value::String(_)).then(|| value.clone())
}

fn scalars(value: &Value) -> Option<BTreeSet<Scalar>> {
    let list = value.as_array().filter(|list| list.len() <= MOST_VALUES)?;
    list.iter().map(Scalar::of).collect()
}

impl Scalar {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(truth) => Some(Self::Truth(*truth)),
            // The sum makes one zero of the two.
            Value::Number(number) => number.as_f64().map(|number| Self::Number((number + 0.0).to_bits())),
            Value::String(text) => Some(Self::Text(text.clone())),
            _ => None,
        }
    }
}

/// `1` and `1.0` are the same number.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one.total_cmp(&other).is_eq() || one - other == 0.0,
        _ => one == other,
    }
}

/// A version as [SemVer 2.0](https://semver.org) writes it, a `v` before it allowed.
fn version(text: &str) -> Option<Version> {
    Version::parse(text.strip_prefix('v').unwrap_or(text)).ok()
}

const fn operand(op: Op) -> &'static str {
    match op {
        Op::Eq | Op::Neq | Op::Contains => "a text, a number or a truth value",
        Op::In | Op::NotIn => "a list of at most 1000 texts, numbers or truth values",
        Op::StartsWith | Op::EndsWith => "a text",
        Op::Gt | Op::Gte | Op::Lt | Op::Lte => "a number",
        Op::SemverEq | Op::SemverGt | Op::SemverGte | Op::SemverLt | Op::SemverLte => {
            "a version such as `1.2.3`"
        }
        Op::Exists => "`true` or `false`",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn compile(written: Value) -> Result<Condition, Vec<(String, String)>> {
        let written: FlagCondition = serde_json::from_value(written).unwrap();
        let mut faults = Faults::default();
        let compiled = Condition::compile(&written, &|key| key == "staff", "/when", &mut faults);
        let pairs = |fault: problem::FieldError| (fault.pointer, fault.code);
        compiled.ok_or_else(|| faults.into_inner().into_iter().map(pairs).collect())
    }

    fn holds(attribute: &str, op: &str, value: Value, context: Value) -> bool {
        let condition = compile(json!({"attribute": attribute, "op": op, "value": value})).unwrap();
        condition.holds(context.as_object().unwrap(), &Segments::default())
    }

    #[test]
    fn every_operator_does_what_it_says() {
        let context = json!({
            "plan": "pro", "seats": 5, "beta": true, "groups": ["a", "b"], "version": "2.10.0",
            "pre": "v2.10.0-rc.1", "none": null, "org": {"plan": {"tier": 3}}, "x.y": 1, "zero": -0.0,
        });
        let cases = [
            ("plan", "eq", json!("pro"), true),
            ("plan", "eq", json!("Pro"), false),
            ("seats", "eq", json!(5.0), true),
            ("seats", "eq", json!("5"), false),
            ("plan", "neq", json!("free"), true),
            ("groups", "neq", json!("a"), false),
            ("plan", "in", json!(["free", "pro"]), true),
            ("groups", "in", json!(["b", "z"]), true),
            ("groups", "in", json!(["z"]), false),
            ("seats", "in", json!(["5", 5.0]), true),
            ("zero", "in", json!([0]), true),
            ("org", "not_in", json!(["z"]), true),
            ("plan", "not_in", json!(["free"]), true),
            ("groups", "not_in", json!(["b", "z"]), false),
            ("plan", "contains", json!("r"), true),
            ("groups", "contains", json!("a"), true),
            ("seats", "contains", json!("5"), false),
            ("plan", "starts_with", json!("pr"), true),
            ("plan", "ends_with", json!("ro"), true),
            ("seats", "gt", json!(4.5), true),
            ("seats", "gt", json!(5), false),
            ("seats", "gte", json!(5), true),
            ("seats", "lt", json!(5), false),
            ("seats", "lte", json!(5), true),
            ("plan", "gt", json!(1), false),
            ("version", "semver_gt", json!("2.9.9"), true),
            ("pre", "semver_lt", json!("2.10.0"), true),
            ("version", "semver_gte", json!("2.10.0"), true),
            ("version", "semver_lte", json!("2.9.0"), false),
            ("version", "semver_eq", json!("v2.10.0+build"), true),
            ("plan", "semver_gt", json!("1.0.0"), false),
            ("beta", "eq", json!(true), true),
            ("plan", "exists", json!(true), true),
            ("none", "exists", json!(false), true),
            ("org.plan.tier", "gte", json!(3), true),
            ("x.y", "eq", json!(1), true),
        ];
        for (attribute, op, value, wanted) in cases {
            assert_eq!(
                holds(attribute, op, value.clone(), context.clone()),
                wanted,
                "{attribute} {op} {value}"
            );
        }
    }

    #[test]
    fn of_what_is_absent_no_test_holds() {
        for (op, value) in [("eq", json!("x")), ("neq", json!("x")), ("not_in", json!([])), ("lt", json!(1))]
        {
            assert!(!holds("plan", op, value.clone(), json!({})), "{op}");
            assert!(!holds("plan", op, value, json!({"plan": null})), "{op} null");
        }
        assert!(!holds("a.b", "eq", json!(1), json!({"a": 1})));
    }

    #[test]
    fn conditions_nest() {
        let condition = compile(json!({"all": [
            {"any": [{"attribute": "a", "op": "eq", "value": 1}, {"segment": "staff"}]},
            {"not": {"attribute": "b", "op": "exists", "value": true}}
        ]}));
        let condition = condition.unwrap();
        assert_eq!(condition.segments(), ["staff"]);
        let staff = compile(json!({"attribute": "staff", "op": "eq", "value": true})).unwrap();
        let named = BTreeMap::from([("staff".to_owned(), staff)]);
        let holds = |context: Value| condition.holds(context.as_object().unwrap(), &Segments::of(&named));
        assert!(holds(json!({"a": 1})) && holds(json!({"staff": true})));
        assert!(!holds(json!({})) && !holds(json!({"a": 1, "b": 0})));
        assert!(!condition.holds(json!({"staff": true}).as_object().unwrap(), &Segments::default()));
        assert!(compile(json!({"all": []})).unwrap().holds(&Map::new(), &Segments::default()));
        assert!(!compile(json!({"any": []})).unwrap().holds(&Map::new(), &Segments::default()));
    }

    #[test]
    fn a_segment_is_asked_once_whoever_names_it() {
        let many = compile(json!({"any": vec![json!({"not": {"segment": "staff"}}); 1000]})).unwrap();
        let staff = compile(json!({"attribute": "groups", "op": "in", "value": ["z"]})).unwrap();
        let named = BTreeMap::from([("staff".to_owned(), staff)]);
        let segments = Segments::of(&named);
        let holds = |context: Value| many.holds(context.as_object().unwrap(), &segments);
        assert!(!holds(json!({"groups": ["z"]})));
        assert!(!holds(json!({})), "what was found of the first context stays");
    }

    #[test]
    fn every_fault_is_named() {
        let deep = (0..5).fold(json!({"segment": "staff"}), |inner, _| json!({"not": inner}));
        for (written, at, code) in [
            (json!({}), "/when", "bad_condition"),
            (json!({"all": [], "any": []}), "/when", "bad_condition"),
            (json!({"attribute": "a", "op": "eq"}), "/when", "bad_condition"),
            (json!({"segment": "nobody"}), "/when/segment", "unknown_segment"),
            (json!({"attribute": "a", "op": "eq", "value": []}), "/when/value", "bad_operand"),
            (json!({"attribute": "a", "op": "in", "value": "x"}), "/when/value", "bad_operand"),
            (json!({"attribute": "a", "op": "in", "value": vec![0; 1001]}), "/when/value", "bad_operand"),
            (json!({"attribute": "a", "op": "gt", "value": "1"}), "/when/value", "bad_operand"),
            (json!({"attribute": "a", "op": "semver_gt", "value": "1.2"}), "/when/value", "bad_operand"),
            (json!({"attribute": "a", "op": "exists", "value": 1}), "/when/value", "bad_operand"),
            (deep, "/when/not/not/not/not/not", "too_deep"),
        ] {
            let faults = compile(written.clone()).unwrap_err();
            assert_eq!(faults, [(at.to_owned(), code.to_owned())], "{written}");
        }
        let two = compile(json!({"any": [{}, {"all": [{"segment": "x"}]}]})).unwrap_err();
        assert_eq!(two.len(), 2, "{two:?}");
        let unknown = json!({"attribute": "a", "op": "matches", "value": "x"});
        assert!(serde_json::from_value::<FlagCondition>(unknown).is_err());
    }

    /// Any JSON value, nested.
    pub(crate) fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,10}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 20, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[a-c.]{0,3}", inner, 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_context_makes_it_panic(attribute in "[a-c.]{0,5}", op in 0..17_usize, value in any_json(), context in any_json()) {
            let ops = ["eq", "neq", "in", "not_in", "contains", "starts_with", "ends_with", "gt", "gte",
                "lt", "lte", "semver_eq", "semver_gt", "semver_gte", "semver_lt", "semver_lte", "exists"];
            let compiled = compile(json!({"attribute": attribute, "op": ops[op], "value": value}));
            if let (Ok(condition), Value::Object(context)) = (compiled, context) {
                let _ = condition.holds(&context, &Segments::default());
            }
        }
    }
}
