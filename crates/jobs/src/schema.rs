diesel::table! {
    jobs (id) {
        id -> Uuid,
        org_id -> Nullable<Uuid>,
        user_id -> Nullable<Uuid>,
        kind -> Text,
        payload -> Jsonb,
        context -> Nullable<Jsonb>,
        priority -> Int2,
        state -> Text,
        run_at -> Timestamptz,
        max_attempts -> Int4,
        unique_key -> Nullable<Text>,
        lane -> Nullable<Text>,
        lane_width -> Nullable<Int2>,
    }
}
