CREATE TABLE session (
    organization_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    position BIGINT NOT NULL,
    session_id UUID NOT NULL,
    timestamp TIMESTAMP NOT NULL,
    client_timestamp TIMESTAMP NOT NULL,
    received_at TIMESTAMP NOT NULL,
    environment VARCHAR NOT NULL,
    release VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    quantity INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    seq BIGINT NOT NULL,
    duration_ms BIGINT,
    user_key UBIGINT
);
