-- The namespaces that every installation has.
INSERT INTO namespaces (name, id, version, description, schema, defaults, created_at, updated_at)
VALUES (
    'appearance', '019aa000-0000-7000-8000-000000000001', 1, 'How the user interface looks.',
    '{
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "theme": {"enum": ["system", "light", "dark"]},
            "density": {"enum": ["comfortable", "compact"]},
            "font_size": {"description": "Pixels.", "type": "integer", "minimum": 10, "maximum": 32},
            "reduce_motion": {"type": "boolean"}
        }
    }',
    '{"theme": "system", "density": "comfortable", "font_size": 16, "reduce_motion": false}',
    now(), now()
), (
    'locale', '019aa000-0000-7000-8000-000000000002', 1, 'Language, time and formats.',
    '{
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "language": {"description": "BCP 47.", "type": "string", "maxLength": 35, "pattern": "^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$"},
            "time_zone": {"description": "IANA.", "type": "string", "maxLength": 64, "pattern": "^[A-Za-z]+(/[A-Za-z0-9_+-]+)*$"},
            "date_format": {"enum": ["language", "YYYY-MM-DD", "DD/MM/YYYY", "MM/DD/YYYY", "DD.MM.YYYY"]},
            "time_format": {"enum": ["language", "24h", "12h"]},
            "first_day_of_week": {"enum": ["language", "monday", "saturday", "sunday"]}
        }
    }',
    '{"language": "en", "time_zone": "UTC", "date_format": "language", "time_format": "language", "first_day_of_week": "language"}',
    now(), now()
), (
    'notifications', '019aa000-0000-7000-8000-000000000003', 1, 'What may disturb, and when.',
    '{
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "email": {"type": "boolean"},
            "push": {"type": "boolean"},
            "digest": {"enum": ["off", "daily", "weekly"]},
            "quiet_hours": {
                "description": "In the time zone of the locale.",
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "enabled": {"type": "boolean"},
                    "from": {"$ref": "#/$defs/time_of_day"},
                    "to": {"$ref": "#/$defs/time_of_day"}
                }
            }
        },
        "$defs": {
            "time_of_day": {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}
        }
    }',
    '{"email": true, "push": true, "digest": "weekly", "quiet_hours": {"enabled": false, "from": "22:00", "to": "07:00"}}',
    now(), now()
);
