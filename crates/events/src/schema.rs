//! The tables as diesel knows them: the columns that are written row by row.

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

diesel::table! {
    event_inbox (id) {
        id -> Uuid,
        publisher -> Text,
        #[sql_name = "type"]
        kind -> Text,
        aggregate -> Text,
        version -> BigInt,
    }
}

diesel::table! {
    event_positions (publisher, aggregate) {
        publisher -> Text,
        aggregate -> Text,
        version -> BigInt,
    }
}
