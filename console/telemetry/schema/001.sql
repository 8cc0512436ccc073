CREATE TABLE applied (
    organization_id INTEGER NOT NULL,
    position BIGINT NOT NULL
);

CREATE TABLE error_event (
    organization_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    position BIGINT NOT NULL,
    event_id UUID NOT NULL,
    timestamp TIMESTAMP NOT NULL,
    client_timestamp TIMESTAMP NOT NULL,
    received_at TIMESTAMP NOT NULL,
    group_key UBIGINT NOT NULL,
    grouping_hash UUID NOT NULL,
    category VARCHAR NOT NULL,
    level VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    title VARCHAR NOT NULL,
    culprit VARCHAR NOT NULL,
    message VARCHAR NOT NULL,
    platform VARCHAR NOT NULL,
    environment VARCHAR NOT NULL,
    release VARCHAR NOT NULL,
    transaction VARCHAR NOT NULL,
    user_key UBIGINT,
    trace_id UUID,
    span_id UBIGINT,
    handled BOOLEAN,
    sdk VARCHAR NOT NULL,
    tags VARCHAR NOT NULL,
    size INTEGER NOT NULL,
    body BLOB NOT NULL
);

CREATE TABLE page_load (
    organization_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    position BIGINT NOT NULL,
    page_id UBIGINT NOT NULL,
    timestamp TIMESTAMP NOT NULL,
    client_timestamp TIMESTAMP NOT NULL,
    received_at TIMESTAMP NOT NULL,
    page VARCHAR NOT NULL,
    path VARCHAR NOT NULL,
    device VARCHAR NOT NULL,
    navigation VARCHAR NOT NULL,
    environment VARCHAR NOT NULL,
    release VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    user_key UBIGINT,
    trace_id UUID,
    lcp DOUBLE,
    inp DOUBLE,
    cls DOUBLE,
    fcp DOUBLE,
    ttfb DOUBLE,
    fid DOUBLE,
    attribution VARCHAR NOT NULL,
    lcp_bucket SMALLINT,
    inp_bucket SMALLINT,
    cls_bucket SMALLINT,
    fcp_bucket SMALLINT,
    ttfb_bucket SMALLINT,
    fid_bucket SMALLINT
);

CREATE TABLE file_version (
    version INTEGER NOT NULL
);

CREATE TABLE span (
    organization_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    position BIGINT NOT NULL,
    trace_id UUID NOT NULL,
    span_id UBIGINT NOT NULL,
    parent_span_id UBIGINT,
    segment_id UBIGINT,
    is_segment BOOLEAN NOT NULL,
    timestamp TIMESTAMP NOT NULL,
    client_timestamp TIMESTAMP NOT NULL,
    duration_us BIGINT NOT NULL,
    received_at TIMESTAMP NOT NULL,
    op VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    segment_name VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    origin VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    category VARCHAR NOT NULL,
    endpoint VARCHAR NOT NULL,
    fingerprint UBIGINT,
    http_method VARCHAR NOT NULL,
    http_route VARCHAR NOT NULL,
    http_status SMALLINT,
    environment VARCHAR NOT NULL,
    release VARCHAR NOT NULL,
    platform VARCHAR NOT NULL,
    sdk VARCHAR NOT NULL,
    server_name VARCHAR NOT NULL,
    user_key UBIGINT,
    sample_rate FLOAT NOT NULL,
    attributes VARCHAR NOT NULL
);

CREATE TABLE statement (
    organization_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    position BIGINT NOT NULL,
    fingerprint UBIGINT NOT NULL,
    category VARCHAR NOT NULL,
    system VARCHAR NOT NULL,
    text VARCHAR NOT NULL,
    timestamp TIMESTAMP NOT NULL,
    received_at TIMESTAMP NOT NULL
);

CREATE TABLE vital_day (
    organization_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    timestamp TIMESTAMP NOT NULL,
    environment VARCHAR NOT NULL,
    release VARCHAR NOT NULL,
    device VARCHAR NOT NULL,
    page VARCHAR NOT NULL,
    metric VARCHAR NOT NULL,
    bucket SMALLINT NOT NULL,
    loads INTEGER NOT NULL,
    level VARCHAR NOT NULL
);
