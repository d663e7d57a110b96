-- Version 1. {s} is the schema's quoted name.
create table {s}.syncs (
  id               bigint generated always as identity primary key,
  project          text not null,
  job              text not null,
  connection       text not null,
  account          text not null,
  object           text not null,
  key_fields       text[] not null,
  targets          text[] not null default '{}',   -- dbt targets of the runs that wrote; none: nothing was written
  generation       bigint not null default 0,      -- grows by one with every fold
  encoding         integer not null default 0,     -- version of the hashes
  mapping          text not null default '',
  source_rows      bigint not null default 0,
  read_to          text not null default '',
  full_at          bigint not null default 0,
  first_answer     text not null default '',
  marks            bigint not null default 0,      -- confirmed keys
  standing         bigint not null default 0,      -- keys with something against them
  open_jobs        json not null default '[]',
  journal_encoding integer not null default 0,     -- of the hashes in the journal
  unique (project, job, connection, account, object, key_fields)
);
create table {s}.leases (
  sync          bigint primary key,
  token         bigint not null default 0,         -- grows with every lease that is taken: the fence
  host          text,
  pid           bigint,
  since         timestamptz,
  expires_at    timestamptz,                       -- null: nobody has it
  backend_pid   integer,                           -- of the database session that keeps it; null behind a pooler
  backend_start timestamptz,
  server_start  timestamptz
) with (fillfactor = 50);
create table {s}.journal (
  sync      bigint not null,
  seq       bigint not null,
  at        timestamptz not null default now(),
  kind      smallint not null,
  key_hash  uuid,
  row_hash  uuid,
  key       bytea,
  remote_id text,
  job_id    text,
  state     smallint,                              -- this and what follows: what stands against the key
  tried     uuid,
  attempts  bigint,
  code      text,
  reason    text,
  permanent boolean,
  since     bigint,
  primary key (sync, seq)
);
create table {s}.marks (
  sync      bigint not null,
  key_hash  uuid not null,
  row_hash  uuid,                                  -- null: never confirmed
  key       bytea,
  remote_id text,
  adopted   boolean not null,
  state     smallint,
  tried     uuid,
  attempts  bigint,
  code      text,
  reason    text,
  permanent boolean,
  since     bigint,
  primary key (sync, key_hash)
) with (fillfactor = 90);
create table {s}.evidence (
  project      text not null,
  node         text not null,
  generated_at timestamptz not null,
  result       json not null,
  primary key (project, node)
);
create table {s}.runs (
  seq        bigint generated always as identity primary key,
  project    text not null,
  job        text not null,
  id         text not null,
  started_at timestamptz not null,
  run        json not null
);
create index on {s}.runs (project, job, started_at);
