CREATE TABLE presence (
    organization_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    timestamp TIMESTAMP NOT NULL,
    until TIMESTAMP NOT NULL,
    environment VARCHAR NOT NULL,
    user_key UBIGINT NOT NULL,
    hours INTEGER NOT NULL,
    everywhere INTEGER NOT NULL
);
CREATE TABLE presence_period (
    organization_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    timestamp TIMESTAMP NOT NULL,
    until TIMESTAMP NOT NULL
);
