// @generated automatically by Diesel CLI.

diesel::table! {
    api_keys (id) {
        id -> Uuid,
        org_id -> Uuid,
        user_id -> Uuid,
        name -> Text,
        prefix -> Text,
        secret_hash -> Bytea,
        scopes -> Array<Text>,
        expires_at -> Nullable<Timestamptz>,
        last_used_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        version -> Int8,
        rate_limit -> Nullable<Int4>,
        rotated_at -> Nullable<Timestamptz>,
        old_secret_hash -> Nullable<Bytea>,
        old_secret_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    attempts (key) {
        key -> Bytea,
        failures -> Int4,
        since -> Timestamptz,
        locked_until -> Timestamptz,
    }
}

diesel::table! {
    export_parts (export_id, service, n) {
        export_id -> Uuid,
        service -> Text,
        n -> Int4,
        bytes -> Int4,
        sealed -> Bytea,
    }
}

diesel::table! {
    exports (id) {
        id -> Uuid,
        user_id -> Uuid,
        job_id -> Uuid,
        created_at -> Timestamptz,
        ready_at -> Nullable<Timestamptz>,
        size -> Nullable<Int8>,
        expires_at -> Timestamptz,
        withdrawn_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    grants (id) {
        id -> Uuid,
        org_id -> Uuid,
        user_id -> Uuid,
        service -> Text,
        reference -> Text,
        description -> Text,
        actor -> Nullable<Text>,
        scopes -> Array<Text>,
        api_key_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        last_used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    invitations (id) {
        id -> Uuid,
        org_id -> Uuid,
        email -> Text,
        role -> Text,
        invited_by -> Uuid,
        sent_at -> Timestamptz,
        expires_at -> Timestamptz,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    memberships (org_id, user_id) {
        org_id -> Uuid,
        user_id -> Uuid,
        role -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    mails (id) {
        id -> Uuid,
        kind -> Text,
        recipient -> Text,
        user_id -> Nullable<Uuid>,
        org_id -> Nullable<Uuid>,
        token_id -> Nullable<Uuid>,
        variables -> Jsonb,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    one_time_tokens (id) {
        id -> Uuid,
        purpose -> Text,
        user_id -> Nullable<Uuid>,
        org_id -> Nullable<Uuid>,
        about -> Nullable<Text>,
        failures -> Int4,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    organizations (id) {
        id -> Uuid,
        name -> Text,
        personal_of -> Nullable<Uuid>,
        created_at -> Timestamptz,
        revision -> Int8,
        slug -> Nullable<Text>,
        metadata -> Jsonb,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    permissions (scope) {
        scope -> Text,
        description -> Text,
        sensitive -> Bool,
    }
}

diesel::table! {
    resource_permissions (org_id, resource, user_id) {
        org_id -> Uuid,
        resource -> Text,
        user_id -> Uuid,
        level -> Text,
        granted_by -> Nullable<Uuid>,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    restricted_resources (org_id, resource) {
        org_id -> Uuid,
        resource -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    recovery_codes (user_id, hash) {
        user_id -> Uuid,
        hash -> Bytea,
    }
}

diesel::table! {
    revocations (seq) {
        seq -> Int8,
        subject -> Text,
        version -> Nullable<Int8>,
        reason -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    role_permissions (role, scope) {
        role -> Text,
        scope -> Text,
    }
}

diesel::table! {
    roles (name) {
        name -> Text,
        description -> Text,
        kind -> Text,
        built_in -> Bool,
    }
}

diesel::table! {
    sessions (id) {
        id -> Uuid,
        user_id -> Uuid,
        org_id -> Uuid,
        counter -> Int8,
        rotated_at -> Timestamptz,
        user_agent -> Nullable<Text>,
        ip -> Nullable<Text>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
        revoked_why -> Nullable<Text>,
        cookie -> Bool,
        authenticated_at -> Timestamptz,
        methods -> Array<Text>,
        device -> Nullable<Text>,
        network -> Nullable<Text>,
        impersonator_id -> Nullable<Uuid>,
        version -> Int8,
    }
}

diesel::table! {
    signing_keys (kid) {
        kid -> Text,
        sealed_seed -> Bytea,
        created_at -> Timestamptz,
        activates_at -> Timestamptz,
        retires_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    totp_factors (user_id) {
        user_id -> Uuid,
        sealed_secret -> Bytea,
        last_step -> Int8,
        created_at -> Timestamptz,
        confirmed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    user_roles (user_id, role) {
        user_id -> Uuid,
        role -> Text,
    }
}

diesel::table! {
    users (id) {
        id -> Uuid,
        email -> Text,
        email_verified_at -> Nullable<Timestamptz>,
        password_hash -> Nullable<Text>,
        name -> Nullable<Text>,
        avatar_url -> Nullable<Text>,
        locale -> Nullable<Text>,
        time_zone -> Nullable<Text>,
        metadata -> Jsonb,
        version -> Int8,
        banned_at -> Nullable<Timestamptz>,
        reregistered_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        banned_why -> Nullable<Text>,
        password_changed_at -> Nullable<Timestamptz>,
        app_metadata -> Jsonb,
        delete_at -> Nullable<Timestamptz>,
    }
}

diesel::joinable!(api_keys -> users (user_id));
diesel::joinable!(export_parts -> exports (export_id));
diesel::joinable!(exports -> users (user_id));
diesel::joinable!(invitations -> organizations (org_id));
diesel::joinable!(memberships -> organizations (org_id));
diesel::joinable!(memberships -> users (user_id));
diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(user_roles -> users (user_id));

diesel::allow_tables_to_appear_in_same_query!(
    api_keys,
    attempts,
    export_parts,
    exports,
    grants,
    invitations,
    mails,
    memberships,
    one_time_tokens,
    organizations,
    permissions,
    resource_permissions,
    restricted_resources,
    recovery_codes,
    revocations,
    role_permissions,
    roles,
    sessions,
    signing_keys,
    totp_factors,
    user_roles,
    users,
);
