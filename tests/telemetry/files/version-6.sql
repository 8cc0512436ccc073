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
    body BLOB NOT NULL,
    tags_0 VARCHAR,
    tags_1 VARCHAR,
    tags_2 VARCHAR,
    tags_3 VARCHAR,
    tags_4 VARCHAR,
    tags_5 VARCHAR,
    tags_6 VARCHAR,
    tags_7 VARCHAR,
    tags_8 VARCHAR,
    tags_9 VARCHAR,
    tags_a VARCHAR,
    tags_b VARCHAR,
    tags_c VARCHAR,
    tags_d VARCHAR,
    tags_e VARCHAR,
    tags_f VARCHAR
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

CREATE TABLE check_result (
    organization_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    position BIGINT NOT NULL,
    result_id UUID NOT NULL,
    check_id INTEGER NOT NULL,
    slug VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    environment VARCHAR NOT NULL,
    release VARCHAR NOT NULL,
    timestamp TIMESTAMP NOT NULL,
    client_timestamp TIMESTAMP NOT NULL,
    received_at TIMESTAMP NOT NULL,
    outcome VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    counts BOOLEAN NOT NULL,
    maintenance BOOLEAN NOT NULL,
    seconds DOUBLE NOT NULL,
    duration_us BIGINT,
    http_status SMALLINT,
    why VARCHAR NOT NULL,
    answered VARCHAR NOT NULL,
    certificate_days DOUBLE,
    domain_days DOUBLE
);

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

INSERT INTO applied VALUES (1, 7);

INSERT INTO file_version VALUES (6);

INSERT INTO error_event VALUES (
    1, 1, 7, '0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e', '2026-11-20 12:00:00', '2026-11-20 11:59:59',
    '2026-11-20 12:00:01', 12297829382473034410, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'error',
    'error', 'ValueError', 'ValueError: no price', 'shop.cart in total', 'no price', 'python',
    'production', 'shop@1', '/cart', 5, '0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a', 11, false,
    'sentry.python/2.40.0', '{"browser":"Firefox"}', 40, '',
    '{}', '{}', '{}', '{}', '{}', '{}', '{"browser":"Firefox"}', '{}',
    '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}'
);

INSERT INTO span VALUES (
    1, 1, 7, '0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a', 11, NULL, 11, true, '2026-11-20 12:00:00',
    '2026-11-20 11:59:59', 1500, '2026-11-20 12:00:01', 'http.server', 'GET /cart', 'GET /cart',
    'route', 'auto', 'ok', 'server', 'request', 'GET /cart', NULL, 'GET', '/cart', 200,
    'production', 'shop@1', 'python', 'sentry.python/2.40.0', 'web-1', 5, 1.0, '{}'
);

INSERT INTO statement VALUES (
    1, 1, 7, 99, 'db', 'postgresql', 'SELECT * FROM cart', '2026-11-20 12:00:00',
    '2026-11-20 12:00:01'
);

INSERT INTO page_load VALUES (
    1, 1, 7, 21, '2026-11-20 12:00:00', '2026-11-20 12:00:00', '2026-11-20 12:00:01', '/cart',
    '/cart', 'desktop', 'navigate', 'production', 'shop@1', 'beacon', NULL, NULL, 1000, NULL,
    NULL, NULL, NULL, NULL, '{}', -7, NULL, NULL, NULL, NULL, NULL
);

INSERT INTO vital_day VALUES (
    1, 1, '2026-11-19', 'production', 'shop@1', 'desktop', '/cart', 'lcp', -7, 3, 'page'
);

INSERT INTO error_group VALUES (
    1, 1, '2026-11-20', '2026-11-21', 'production', 12297829382473034410,
    ['2026-11-20 12:00:00'], [5], ['shop@1']
);

INSERT INTO error_period VALUES (1, 1, '2026-11-20', '2026-11-21');

INSERT INTO session VALUES (
    1, 1, 7, '0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b', '2026-11-20 12:00:00', '2026-11-20 12:00:00',
    '2026-11-20 12:00:01', 'production', 'shop@1', 'exited', 1, 0, 3, 1500, 5
);

INSERT INTO check_result VALUES (
    1, 1, -1, '0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c', 3, 'shop', 'http', '', '', '2026-11-20 12:00:00',
    '2026-11-20 11:59:59', '2026-11-20 12:00:00', 'down', 'down', true, false, 60, 1500, 500,
    'Status 500 instead of 200-299.', 'Oh no', 12.5, NULL
);

INSERT INTO presence VALUES (1, 1, '2026-11-19', '2026-11-20', 'production', 5, 4096, 4096);

INSERT INTO presence_period VALUES (1, 1, '2026-11-19', '2026-11-20');
