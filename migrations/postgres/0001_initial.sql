-- Every table of the server. PostgreSQL; its twin lies in ../sqlite.
-- Times are microseconds since the epoch (UTC); ids are UUIDv7. A unique index is named after its
-- table and columns, for `store::Unique` to recognise.

-- ---- The tree, and who is in it ----------------------------------------------------------------

CREATE TABLE organizations (
    id            UUID    NOT NULL PRIMARY KEY,
    parent_id     UUID    REFERENCES organizations (id),
    kind          TEXT    NOT NULL,              -- provider | partner | client
    name          TEXT    NOT NULL,
    external_id   TEXT,                          -- the vendor's own number for a partner
    contact_email TEXT,
    status        TEXT    NOT NULL,              -- active | suspended
    policy        TEXT    NOT NULL,              -- JSON: organizations::Policy, only what this level says itself
    branding      TEXT    NOT NULL,              -- JSON: organizations::Branding
    revision      BIGINT  NOT NULL,              -- bumped first by every rule over several rows
    created_at    BIGINT  NOT NULL,
    updated_at    BIGINT  NOT NULL
);
CREATE INDEX organizations_parent ON organizations (parent_id);

-- Each organization with itself (depth 0) and all above it: subtree questions are one index range.
CREATE TABLE organization_ancestors (
    organization_id UUID    NOT NULL REFERENCES organizations (id),
    ancestor_id     UUID    NOT NULL REFERENCES organizations (id),
    depth           BIGINT  NOT NULL,
    PRIMARY KEY (organization_id, ancestor_id)
);
CREATE INDEX organization_ancestors_below ON organization_ancestors (ancestor_id, organization_id);

CREATE TABLE users (
    id                  UUID    NOT NULL PRIMARY KEY,
    organization_id     UUID    NOT NULL REFERENCES organizations (id),
    realm               TEXT    NOT NULL,        -- portal, or the id of the one product
    login_name          TEXT    NOT NULL,
    login_name_prepared TEXT    NOT NULL,        -- PRECIS UsernameCaseMapped (RFC 8265)
    email               TEXT,
    email_prepared      TEXT,
    email_verified_at   BIGINT,
    given_name          TEXT    NOT NULL,
    family_name         TEXT    NOT NULL,
    display_name        TEXT    NOT NULL,
    search              TEXT COLLATE "C" NOT NULL,   -- folded: display name first, then all that one searches by
    status              TEXT    NOT NULL,        -- invited | active | deactivated | removed
    connection_id       UUID,                      -- the connection that owns the account
    external_id         TEXT,                    -- that tool's own id (RFC 7643 section 3.1)
    webauthn_handle     BYTEA   NOT NULL,        -- 32 random bytes, the user handle of passkeys
    document            TEXT    NOT NULL,        -- JSON: the SCIM attributes that no column holds
    version             BIGINT  NOT NULL,        -- meta.version: moves once with each effective change
    created_at          BIGINT  NOT NULL,
    updated_at          BIGINT  NOT NULL,
    last_login_at       BIGINT,
    deactivated_at      BIGINT
);
CREATE UNIQUE INDEX users_realm_login_name_prepared ON users (realm, login_name_prepared);
CREATE INDEX users_organization ON users (organization_id, status, id);
CREATE INDEX users_organization_search ON users (organization_id, status, search, id);
CREATE INDEX users_email ON users (email_prepared);
CREATE INDEX users_connection ON users (connection_id, id);
CREATE INDEX users_external ON users (connection_id, external_id);

-- A user's other organizations; the home organization is users.organization_id.
CREATE TABLE memberships (
    user_id         UUID    NOT NULL REFERENCES users (id),
    organization_id UUID    NOT NULL REFERENCES organizations (id),
    created_at      BIGINT  NOT NULL,
    PRIMARY KEY (user_id, organization_id)
);
CREATE INDEX memberships_organization ON memberships (organization_id, user_id);

CREATE TABLE groups (
    id                    UUID    NOT NULL PRIMARY KEY,
    organization_id       UUID    NOT NULL REFERENCES organizations (id),
    connection_id         UUID,
    display_name          TEXT    NOT NULL,
    display_name_prepared TEXT    NOT NULL,
    external_id           TEXT,
    document              TEXT    NOT NULL,
    version               BIGINT  NOT NULL,
    created_at            BIGINT  NOT NULL,
    updated_at            BIGINT  NOT NULL
);
CREATE UNIQUE INDEX groups_organization_id_display_name_prepared ON groups (organization_id, display_name_prepared);
CREATE INDEX groups_connection ON groups (connection_id, id);
CREATE INDEX groups_external ON groups (connection_id, external_id);

CREATE TABLE group_members (
    group_id   UUID    NOT NULL REFERENCES groups (id),
    user_id    UUID    NOT NULL REFERENCES users (id),
    created_at BIGINT  NOT NULL,
    PRIMARY KEY (group_id, user_id)
);
CREATE INDEX group_members_user ON group_members (user_id, group_id);

-- Totals that lists show, kept with each change instead of counted: (owner, name) -> value.
CREATE TABLE counters (
    owner_id UUID    NOT NULL,
    name     TEXT    NOT NULL,
    value    BIGINT  NOT NULL,
    PRIMARY KEY (owner_id, name)
);

-- ---- Products and access -----------------------------------------------------------------------

CREATE TABLE products (
    id          UUID    NOT NULL PRIMARY KEY,
    slug        TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    description TEXT    NOT NULL,
    audience    TEXT    NOT NULL,
    launch_url  TEXT,
    support     TEXT,                            -- whom to ask, where an organization names nobody
    branding    TEXT    NOT NULL,                -- JSON: organizations::Branding
    policy      TEXT    NOT NULL,                -- JSON: products::Policy, the assurance it demands
    hidden      BOOLEAN NOT NULL,                -- has no tile
    created_at  BIGINT  NOT NULL,
    updated_at  BIGINT  NOT NULL
);
CREATE UNIQUE INDEX products_slug ON products (slug);
CREATE UNIQUE INDEX products_audience ON products (audience);

CREATE TABLE modules (
    id         UUID    NOT NULL PRIMARY KEY,
    product_id UUID    NOT NULL REFERENCES products (id),
    slug       TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    position   BIGINT  NOT NULL
);
CREATE UNIQUE INDEX modules_product_id_slug ON modules (product_id, slug);

CREATE TABLE permissions (
    id         UUID    NOT NULL PRIMARY KEY,
    product_id UUID    NOT NULL REFERENCES products (id),
    module_id  UUID    NOT NULL REFERENCES modules (id),
    name       TEXT    NOT NULL,                  -- product:module:action
    title      TEXT    NOT NULL,
    position   BIGINT  NOT NULL
);
CREATE UNIQUE INDEX permissions_name ON permissions (name);
CREATE INDEX permissions_product ON permissions (product_id, position);

CREATE TABLE roles (
    id          UUID    NOT NULL PRIMARY KEY,
    product_id  UUID    NOT NULL REFERENCES products (id),
    slug        TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    description TEXT    NOT NULL,
    level       TEXT    NOT NULL,                -- partner | client
    built_in    BOOLEAN NOT NULL,
    position    BIGINT  NOT NULL
);
CREATE UNIQUE INDEX roles_product_id_slug ON roles (product_id, slug);

CREATE TABLE role_permissions (
    role_id       UUID    NOT NULL REFERENCES roles (id),
    permission_id UUID    NOT NULL REFERENCES permissions (id),
    PRIMARY KEY (role_id, permission_id)
);

-- The only source of product access. Exactly one of user_id, group_id, client_id is set.
CREATE TABLE assignments (
    id              UUID    NOT NULL PRIMARY KEY,
    user_id         UUID    REFERENCES users (id),
    group_id        UUID    REFERENCES groups (id),
    client_id       UUID,                          -- a client acting for itself (client_credentials)
    product_id      UUID    NOT NULL REFERENCES products (id),
    organization_id UUID    NOT NULL REFERENCES organizations (id),
    subtree         BOOLEAN NOT NULL,            -- covers the organizations below it too
    source          TEXT    NOT NULL,            -- direct | connection | default | invitation
    connection_id   UUID,
    ticket          TEXT,
    starts_at       BIGINT,
    ends_at         BIGINT,
    created_by      UUID,
    created_at      BIGINT  NOT NULL
);
CREATE INDEX assignments_user ON assignments (user_id, product_id);
CREATE INDEX assignments_group ON assignments (group_id, product_id);
CREATE INDEX assignments_client ON assignments (client_id, product_id);
CREATE INDEX assignments_product ON assignments (product_id, organization_id);

CREATE TABLE assignment_roles (
    assignment_id UUID    NOT NULL REFERENCES assignments (id),
    role_id       UUID    NOT NULL REFERENCES roles (id),
    PRIMARY KEY (assignment_id, role_id)
);

-- Which products an organization has, and what its new users get.
CREATE TABLE organization_products (
    organization_id UUID    NOT NULL REFERENCES organizations (id),
    product_id      UUID    NOT NULL REFERENCES products (id),
    default_roles   TEXT    NOT NULL,             -- JSON: role ids
    seats           BIGINT,
    created_at      BIGINT  NOT NULL,
    PRIMARY KEY (organization_id, product_id)
);

-- A role that waits for a second person (product.md B4, P6).
CREATE TABLE role_requests (
    id              UUID    NOT NULL PRIMARY KEY,
    organization_id UUID    NOT NULL REFERENCES organizations (id),
    user_id         UUID    NOT NULL REFERENCES users (id),
    role_id         UUID    NOT NULL REFERENCES roles (id),
    requested_by    UUID    NOT NULL,
    reason          TEXT,
    status          TEXT    NOT NULL,             -- waiting | approved | declined
    decided_by      UUID,
    decided_at      BIGINT,
    created_at      BIGINT  NOT NULL
);

-- ---- OAuth clients and what they hold ----------------------------------------------------------

CREATE TABLE clients (
    id                        UUID    NOT NULL PRIMARY KEY,
    client_id                 TEXT    NOT NULL,  -- the OAuth one
    product_id                UUID    NOT NULL REFERENCES products (id),
    name                      TEXT    NOT NULL,
    auth_method               TEXT    NOT NULL,  -- client_secret_basic | client_secret_post | private_key_jwt | none
    secret_hash               BYTEA,
    previous_secret_hash      BYTEA,
    previous_secret_ends_at   BIGINT,
    redirect_uris             TEXT    NOT NULL,  -- JSON arrays
    post_logout_redirect_uris TEXT    NOT NULL,
    grant_types               TEXT    NOT NULL,
    scopes                    TEXT    NOT NULL,
    settings                  TEXT    NOT NULL,  -- JSON: clients::Settings
    status                    TEXT    NOT NULL,  -- active | disabled
    created_at                BIGINT  NOT NULL,
    updated_at                BIGINT  NOT NULL
);
CREATE UNIQUE INDEX clients_client_id ON clients (client_id);
CREATE INDEX clients_product ON clients (product_id);

CREATE TABLE consents (
    user_id    UUID    NOT NULL REFERENCES users (id),
    client_id  UUID    NOT NULL REFERENCES clients (id),
    scope      TEXT    NOT NULL,
    granted_at BIGINT  NOT NULL,
    PRIMARY KEY (user_id, client_id)
);

-- An authorization request whose user is away signing in or deciding; bound to one browser.
CREATE TABLE authorization_requests (
    id           UUID    NOT NULL PRIMARY KEY,
    client_id    UUID    NOT NULL REFERENCES clients (id),
    browser_hash BYTEA   NOT NULL,
    parameters   TEXT    NOT NULL,                -- JSON: the request as it came
    consented_by UUID,                             -- the user who has allowed it
    created_at   BIGINT  NOT NULL,
    expires_at   BIGINT  NOT NULL,
    consumed_at  BIGINT
);
CREATE INDEX authorization_requests_expiry ON authorization_requests (expires_at);

-- What a user allowed a client at one sign-in: the family of its tokens.
CREATE TABLE grants (
    id         UUID    NOT NULL PRIMARY KEY,
    user_id    UUID    NOT NULL REFERENCES users (id),
    client_id  UUID    NOT NULL REFERENCES clients (id),
    session_id UUID,
    scope      TEXT    NOT NULL,
    details    TEXT    NOT NULL,                  -- JSON: tokens::GrantDetails (auth_time, amr, acr, claims asked for)
    created_at BIGINT  NOT NULL,
    expires_at BIGINT  NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX grants_user ON grants (user_id, client_id);
CREATE INDEX grants_session ON grants (session_id);
CREATE INDEX grants_expiry ON grants (expires_at);

CREATE TABLE authorization_codes (
    code_hash      BYTEA   NOT NULL PRIMARY KEY,
    grant_id       UUID    NOT NULL REFERENCES grants (id),
    client_id      UUID    NOT NULL,
    redirect_uri   TEXT    NOT NULL,
    code_challenge TEXT,
    nonce          TEXT,
    failures       BIGINT  NOT NULL,              -- redemptions with invalid proof; the fifth kills it
    expires_at     BIGINT  NOT NULL,
    consumed_at    BIGINT
);
CREATE INDEX authorization_codes_grant ON authorization_codes (grant_id);
CREATE INDEX authorization_codes_expiry ON authorization_codes (expires_at);

CREATE TABLE refresh_tokens (
    token_hash  BYTEA   NOT NULL PRIMARY KEY,
    grant_id    UUID    NOT NULL REFERENCES grants (id),
    client_id   UUID    NOT NULL,
    scope       TEXT    NOT NULL,
    issued_at   BIGINT  NOT NULL,
    expires_at  BIGINT  NOT NULL,                 -- idle end; the grant holds the absolute one
    consumed_at BIGINT
);
CREATE INDEX refresh_tokens_grant ON refresh_tokens (grant_id);
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);

-- Opaque access tokens (JWTs have no row).
CREATE TABLE access_tokens (
    token_hash BYTEA   NOT NULL PRIMARY KEY,
    grant_id   UUID,
    client_id  UUID    NOT NULL,
    user_id    UUID,
    scope      TEXT    NOT NULL,
    claims     TEXT    NOT NULL,                  -- JSON: what a JWT would carry
    expires_at BIGINT  NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX access_tokens_grant ON access_tokens (grant_id);
CREATE INDEX access_tokens_expiry ON access_tokens (expires_at);

-- JWT access tokens that were revoked one by one.
CREATE TABLE revoked_tokens (
    token_id   TEXT    NOT NULL PRIMARY KEY,      -- jti
    expires_at BIGINT  NOT NULL
);
CREATE INDEX revoked_tokens_expiry ON revoked_tokens (expires_at);

-- The jti of client assertions that were seen (RFC 7523 section 3).
CREATE TABLE client_assertions (
    assertion_hash BYTEA   NOT NULL PRIMARY KEY,
    expires_at     BIGINT  NOT NULL
);
CREATE INDEX client_assertions_expiry ON client_assertions (expires_at);

CREATE TABLE signing_keys (
    key_id       TEXT    NOT NULL PRIMARY KEY,    -- kid
    algorithm    TEXT    NOT NULL,                -- ES256 | EdDSA | RS256
    public_jwk   TEXT    NOT NULL,
    sealed       BYTEA   NOT NULL,                -- the private key (PKCS#8) under the master key
    created_at   BIGINT  NOT NULL,
    activates_at BIGINT  NOT NULL,                -- published before, signs from here
    retires_at   BIGINT,                         -- signs no more
    expires_at   BIGINT  -- no token of it lives any more: unpublished
);

-- ---- Signing in --------------------------------------------------------------------------------

CREATE TABLE passwords (
    user_id      UUID    NOT NULL PRIMARY KEY REFERENCES users (id),
    hash         TEXT    NOT NULL,                -- PHC string
    set_at       BIGINT  NOT NULL,
    set_by       TEXT    NOT NULL,                -- activation | change | mailed_reset | import
    confirmed_at BIGINT  -- when a factor other than e-mail has stood beside it
);

CREATE TABLE factors (
    id            UUID    NOT NULL PRIMARY KEY,
    user_id       UUID    NOT NULL REFERENCES users (id),
    kind          TEXT    NOT NULL,               -- totp | passkey | email
    name          TEXT    NOT NULL,
    sealed        BYTEA   NOT NULL,               -- seed or credential under the master key
    credential_id BYTEA,
    last_step     BIGINT,                        -- the last TOTP time step that was accepted
    created_at    BIGINT  NOT NULL,
    confirmed_at  BIGINT,                        -- null: set-up is under way
    last_used_at  BIGINT
);
CREATE INDEX factors_user ON factors (user_id);
CREATE UNIQUE INDEX factors_credential_id ON factors (credential_id);

CREATE TABLE recovery_codes (
    user_id    UUID    NOT NULL REFERENCES users (id),
    code_hash  BYTEA   NOT NULL,
    created_at BIGINT  NOT NULL,
    used_at    BIGINT,
    PRIMARY KEY (user_id, code_hash)
);

CREATE TABLE email_codes (
    id         UUID    NOT NULL PRIMARY KEY,
    user_id    UUID    NOT NULL REFERENCES users (id),
    bound_to   UUID    NOT NULL,                  -- the login flow or session that asked for it
    code_hash  BYTEA   NOT NULL,
    attempts   BIGINT  NOT NULL,
    created_at BIGINT  NOT NULL,
    expires_at BIGINT  NOT NULL,
    used_at    BIGINT
);
CREATE INDEX email_codes_user ON email_codes (user_id, created_at);
CREATE INDEX email_codes_expiry ON email_codes (expires_at);

CREATE TABLE webauthn_ceremonies (
    id          UUID    NOT NULL PRIMARY KEY,
    user_id     UUID,                              -- null: whoever answers (usernameless)
    bound_to    UUID    NOT NULL,                 -- the login flow or session that began it
    kind        TEXT    NOT NULL,                 -- register | authenticate | discover
    sealed      BYTEA   NOT NULL,
    expires_at  BIGINT  NOT NULL,
    consumed_at BIGINT
);
CREATE INDEX webauthn_ceremonies_expiry ON webauthn_ceremonies (expires_at);

-- Half a session: a sign-in under way, bound to one browser.
CREATE TABLE login_flows (
    id           UUID    NOT NULL PRIMARY KEY,
    browser_hash BYTEA   NOT NULL,
    request_id   UUID,                             -- the authorization request that waits for it
    user_id      UUID,                             -- set once a first factor was accepted
    state        TEXT    NOT NULL,                -- JSON: sessions::flow::State
    created_at   BIGINT  NOT NULL,
    expires_at   BIGINT  NOT NULL,
    finished_at  BIGINT
);
CREATE INDEX login_flows_expiry ON login_flows (expires_at);
CREATE INDEX login_flows_user ON login_flows (user_id);

CREATE TABLE sessions (
    id              UUID    NOT NULL PRIMARY KEY, -- sid
    token_hash      BYTEA   NOT NULL,
    user_id         UUID    NOT NULL REFERENCES users (id),
    auth_time       BIGINT  NOT NULL,
    mfa_time        BIGINT,
    amr             TEXT    NOT NULL,             -- JSON: RFC 8176 names
    acr             TEXT    NOT NULL,
    user_agent      TEXT    NOT NULL,
    address         TEXT    NOT NULL,
    created_at      BIGINT  NOT NULL,
    last_seen_at    BIGINT  NOT NULL,
    idle_seconds    BIGINT  NOT NULL,
    expires_at      BIGINT  NOT NULL,             -- absolute
    ended_at        BIGINT
);
CREATE UNIQUE INDEX sessions_token_hash ON sessions (token_hash);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE trusted_devices (
    token_hash BYTEA   NOT NULL PRIMARY KEY,
    user_id    UUID    NOT NULL REFERENCES users (id),
    created_at BIGINT  NOT NULL,
    expires_at BIGINT  NOT NULL
);
CREATE INDEX trusted_devices_user ON trusted_devices (user_id);

-- Throttling and lockout: one row for each counted thing, whoever it is of.
CREATE TABLE attempts (
    key_hash      BYTEA   NOT NULL PRIMARY KEY,   -- SHA-256 of what is counted and for whom
    failures      BIGINT  NOT NULL,
    window_ends   BIGINT  NOT NULL,
    blocked_until BIGINT  NOT NULL
);
CREATE INDEX attempts_window ON attempts (window_ends);

-- Mailed links: one act, one user, once.
CREATE TABLE action_tokens (
    token_hash BYTEA   NOT NULL PRIMARY KEY,
    user_id    UUID    NOT NULL REFERENCES users (id),
    purpose    TEXT    NOT NULL,                  -- activate | reset_password | verify_email
    created_by UUID,
    data       TEXT    NOT NULL,                  -- JSON
    created_at BIGINT  NOT NULL,
    expires_at BIGINT  NOT NULL,
    used_at    BIGINT
);
CREATE INDEX action_tokens_user ON action_tokens (user_id);
CREATE INDEX action_tokens_expiry ON action_tokens (expires_at);

CREATE TABLE invitations (
    id              UUID    NOT NULL PRIMARY KEY,
    organization_id UUID    NOT NULL REFERENCES organizations (id),
    email           TEXT    NOT NULL,
    email_prepared  TEXT    NOT NULL,
    promise         TEXT    NOT NULL,             -- JSON: type, products, roles, organizations
    token_hash      BYTEA   NOT NULL,
    invited_by      UUID    NOT NULL,
    user_id         UUID,
    created_at      BIGINT  NOT NULL,
    expires_at      BIGINT  NOT NULL,
    accepted_at     BIGINT,
    revoked_at      BIGINT
);
CREATE UNIQUE INDEX invitations_token_hash ON invitations (token_hash);
CREATE INDEX invitations_organization ON invitations (organization_id, id);
CREATE INDEX invitations_email ON invitations (email_prepared);

-- The sessions of the portal, a relying party of this server: its own rows, and all it has.
CREATE TABLE portal_sessions (
    id         UUID    NOT NULL PRIMARY KEY,
    token_hash BYTEA   NOT NULL,
    subject    TEXT    NOT NULL,                  -- sub
    session    TEXT,                             -- sid of the ID token
    sealed     BYTEA   NOT NULL,                  -- tokens and what the pages need, under the master key
    created_at BIGINT  NOT NULL,
    expires_at BIGINT NOT NULL,
    refreshing_until BIGINT NOT NULL             -- 0: nobody is refreshing its tokens
);
CREATE UNIQUE INDEX portal_sessions_token_hash ON portal_sessions (token_hash);
CREATE INDEX portal_sessions_subject ON portal_sessions (subject, session);
CREATE INDEX portal_sessions_expiry ON portal_sessions (expires_at);

-- ---- SCIM --------------------------------------------------------------------------------------

CREATE TABLE connections (
    id              UUID    NOT NULL PRIMARY KEY,
    organization_id UUID    NOT NULL REFERENCES organizations (id),
    name            TEXT    NOT NULL,
    vendor          TEXT    NOT NULL,             -- entra | okta | onelogin | jumpcloud | generic
    status          TEXT    NOT NULL,             -- active | paused
    settings        TEXT    NOT NULL,             -- JSON: connections::Settings (defaults, mapping, guard, limits)
    created_by      UUID,
    created_at      BIGINT  NOT NULL,
    updated_at      BIGINT  NOT NULL,
    last_used_at    BIGINT
);
CREATE INDEX connections_organization ON connections (organization_id);

CREATE TABLE connection_tokens (
    id            UUID    NOT NULL PRIMARY KEY,
    connection_id UUID    NOT NULL REFERENCES connections (id),
    token_hash    BYTEA   NOT NULL,
    hint          TEXT    NOT NULL,               -- its last four characters
    created_at    BIGINT  NOT NULL,
    expires_at    BIGINT  NOT NULL,
    revoked_at    BIGINT,
    last_used_at  BIGINT
);
CREATE UNIQUE INDEX connection_tokens_token_hash ON connection_tokens (token_hash);
CREATE INDEX connection_tokens_connection ON connection_tokens (connection_id);

-- Values of attributes whose schema says uniqueness: server, save the ones that have a column.
CREATE TABLE unique_values (
    scope_id    UUID    NOT NULL,                   -- the connection
    attribute   TEXT    NOT NULL,                   -- resource type and attribute name
    value       TEXT    NOT NULL,                   -- prepared as caseExact says
    resource_id UUID    NOT NULL,
    PRIMARY KEY (scope_id, attribute, value)
);
CREATE INDEX unique_values_resource ON unique_values (resource_id);

CREATE TABLE connection_log (
    id            UUID    NOT NULL PRIMARY KEY,
    connection_id UUID    NOT NULL REFERENCES connections (id),
    at            BIGINT  NOT NULL,
    method        TEXT    NOT NULL,
    path          TEXT    NOT NULL,
    status        BIGINT  NOT NULL,
    resource_id   UUID,
    details       TEXT    NOT NULL                -- JSON: changed attributes before and after, or why it was refused
);
CREATE INDEX connection_log_connection ON connection_log (connection_id, at);
CREATE INDEX connection_log_at ON connection_log (at);

-- What the mass-change guard holds until a person decides.
CREATE TABLE held_changes (
    id            UUID    NOT NULL PRIMARY KEY,
    connection_id UUID    NOT NULL REFERENCES connections (id),
    resource_id   UUID    NOT NULL,
    change        TEXT    NOT NULL,
    status        TEXT    NOT NULL,               -- held | released | discarded
    created_at    BIGINT  NOT NULL,
    decided_by    UUID,
    decided_at    BIGINT
);
CREATE INDEX held_changes_connection ON held_changes (connection_id, status);

-- A login name that lives in another organization: the tool's resource, pending (product.md V6).
CREATE TABLE connection_joins (
    id            UUID    NOT NULL PRIMARY KEY,   -- the SCIM id that the tool sees
    connection_id UUID    NOT NULL REFERENCES connections (id),
    user_id       UUID    NOT NULL REFERENCES users (id),
    external_id   TEXT,
    document      TEXT    NOT NULL,
    status        TEXT    NOT NULL,               -- pending | joined | ended
    created_at    BIGINT  NOT NULL,
    updated_at    BIGINT  NOT NULL
);
CREATE UNIQUE INDEX connection_joins_connection_id_user_id ON connection_joins (connection_id, user_id);

CREATE TABLE api_tokens (
    id              UUID    NOT NULL PRIMARY KEY,
    organization_id UUID    NOT NULL REFERENCES organizations (id),
    name            TEXT    NOT NULL,
    token_hash      BYTEA   NOT NULL,
    hint            TEXT    NOT NULL,
    permissions     TEXT    NOT NULL,             -- JSON: portal permissions, over the organization and below
    created_by      UUID,
    created_at      BIGINT  NOT NULL,
    expires_at      BIGINT,
    revoked_at      BIGINT,
    last_used_at    BIGINT
);
CREATE UNIQUE INDEX api_tokens_token_hash ON api_tokens (token_hash);
CREATE INDEX api_tokens_organization ON api_tokens (organization_id);

-- ---- What happens later, and what has happened -------------------------------------------------

CREATE TABLE outbox (
    id           UUID    NOT NULL PRIMARY KEY,
    kind         TEXT    NOT NULL,                -- mail | backchannel_logout | webhook | ...
    sealed       BYTEA   NOT NULL,                -- the payload under the master key: mails carry links
    attempts     BIGINT  NOT NULL,
    due_at       BIGINT  NOT NULL,
    expires_at   BIGINT  NOT NULL,
    leased_until BIGINT  NOT NULL,                -- 0: nobody is sending it
    created_at   BIGINT  NOT NULL,
    done_at      BIGINT,
    error        TEXT
);
CREATE INDEX outbox_due ON outbox (done_at, due_at);

-- The demo's mailbox.
CREATE TABLE demo_mails (
    id         UUID    NOT NULL PRIMARY KEY,
    sealed     BYTEA   NOT NULL,
    created_at BIGINT  NOT NULL
);

CREATE TABLE webhooks (
    id              UUID    NOT NULL PRIMARY KEY,
    organization_id UUID    NOT NULL REFERENCES organizations (id),
    url             TEXT    NOT NULL,
    events          TEXT    NOT NULL,
    sealed_secret   BYTEA   NOT NULL,
    status          TEXT    NOT NULL,
    created_at      BIGINT  NOT NULL
);

CREATE TABLE audit_events (
    id              UUID    NOT NULL PRIMARY KEY,
    organization_id UUID    NOT NULL,             -- whose chain it belongs to
    at              BIGINT  NOT NULL,
    kind            TEXT    NOT NULL,             -- user.deactivated, login.succeeded, ...
    actor_kind      TEXT    NOT NULL,             -- user | client | connection | api_token | operator | system | nobody
    actor_id        UUID,
    subject_kind    TEXT,
    subject_id      UUID,
    outcome         TEXT    NOT NULL,             -- success | refused
    details         TEXT    NOT NULL,             -- JSON, no personal data
    commitment      BYTEA,                       -- SHA-256 of the commitments in audit_personal
    position        BIGINT  -- its link of the chain; null until it is appended
);
CREATE INDEX audit_events_position ON audit_events (position, organization_id, id);
CREATE INDEX audit_events_organization ON audit_events (organization_id, at);
CREATE INDEX audit_events_subject ON audit_events (subject_id, at);

-- Names, addresses, IPs: under the key of the person they are about, erased with it.
CREATE TABLE audit_personal (
    event_id   UUID  NOT NULL,
    person_id  UUID  NOT NULL,                   -- nil: a person we do not know
    commitment BYTEA NOT NULL,                   -- SHA-256 of salt and personal part
    salt       BYTEA,                            -- null: erased, and the sealed part with it
    sealed     BYTEA,
    PRIMARY KEY (event_id, person_id)
);
CREATE INDEX audit_personal_person ON audit_personal (person_id);

CREATE TABLE person_keys (
    person_id UUID    NOT NULL PRIMARY KEY,
    sealed    BYTEA   NOT NULL
);

-- A link covers the events that have its position.
CREATE TABLE audit_chain (
    organization_id UUID    NOT NULL,
    position        BIGINT  NOT NULL,
    events          BIGINT  NOT NULL,             -- how many it covers
    hash            BYTEA   NOT NULL,             -- SHA-256 of the previous hash and the events
    PRIMARY KEY (organization_id, position)
);

-- Who does a job that only one node may do, and until when.
CREATE TABLE leases (
    name       TEXT    NOT NULL PRIMARY KEY,
    holder     UUID    NOT NULL,
    expires_at BIGINT  NOT NULL
);

-- What is fixed at first start: the WebAuthn rp id, the set-up link's hash, the master key check.
CREATE TABLE settings (
    name  TEXT    NOT NULL PRIMARY KEY,
    value TEXT    NOT NULL
);
