CREATE TABLE error_group (
    organization_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    timestamp TIMESTAMP NOT NULL,
    until TIMESTAMP NOT NULL,
    environment VARCHAR NOT NULL,
    group_key UBIGINT NOT NULL,
    times TIMESTAMP[] NOT NULL,
    users UBIGINT[] NOT NULL,
    releases VARCHAR[] NOT NULL
);

CREATE TABLE error_period (
    organization_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    timestamp TIMESTAMP NOT NULL,
    until TIMESTAMP NOT NULL
);
