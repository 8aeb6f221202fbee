//! The log as diesel knows it: the columns that a publisher writes.

diesel::table! {
    events (seq) {
        seq -> BigInt,
        id -> Uuid,
        #[sql_name = "type"]
        kind -> Text,
        org_id -> Nullable<Uuid>,
        aggregate -> Text,
        version -> BigInt,
        data -> Jsonb,
    }
}
