CREATE TABLE account (
    id              TEXT    NOT NULL PRIMARY KEY,
    last_step       BIGINT  NOT NULL DEFAULT 0, -- last accepted step; 0 before the first
    failures        INTEGER NOT NULL DEFAULT 0, -- wrong codes in a row
    wait_until      BIGINT  NOT NULL DEFAULT 0, -- Unix milliseconds; 0 is no wait
    answer_request  TEXT    NOT NULL DEFAULT '', -- hex of a SHA-256; '' is none
    answer_at       BIGINT  NOT NULL DEFAULT 0, -- Unix milliseconds
    answer_verdict  TEXT    NOT NULL DEFAULT ''  -- JSON
);
