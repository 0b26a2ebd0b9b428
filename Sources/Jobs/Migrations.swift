import GRDB

/// The schema, as steps that are only ever added to.
enum Migrations {
    /// What `PRAGMA user_version` says of a journal that has every step. Version 0.1 left it at 0.
    static let version = 2

    static var all: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 jobs and outputs") { db in
            try db.execute(sql: jobsAndOutputs)
        }
        migrator.registerMigration("2 leases, checkpoints, blobs") { db in
            try db.execute(sql: leases)
            try db.execute(sql: "PRAGMA user_version = 2")
        }
        return migrator
    }

    private static let jobsAndOutputs = """
        CREATE TABLE job (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE CHECK (length(id) = 13),
            kind TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
            priority INTEGER NOT NULL CHECK (priority BETWEEN -10 AND 10),
            uid INTEGER NOT NULL,
            attempts INTEGER NOT NULL CHECK (attempts BETWEEN 0 AND 3),
            created REAL NOT NULL,
            started REAL,
            finished REAL,
            request TEXT NOT NULL CHECK (json_valid(request)),
            warnings TEXT NOT NULL CHECK (json_type(warnings) = 'array'),
            result TEXT CHECK (result IS NULL OR json_valid(result)),
            error TEXT CHECK (error IS NULL OR json_valid(error)),
            CHECK (state <> 'running' OR (started IS NOT NULL AND attempts > 0)),
            CHECK ((finished IS NOT NULL) = (state IN ('succeeded', 'failed', 'cancelled'))),
            CHECK ((result IS NOT NULL) = (state = 'succeeded')),
            CHECK ((error IS NOT NULL) = (state = 'failed'))
        ) STRICT;

        CREATE INDEX job_queue ON job (priority DESC, sequence) WHERE state = 'queued';

        CREATE TABLE output (
            job TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
            number INTEGER NOT NULL CHECK (number >= 0),
            format TEXT NOT NULL,
            width INTEGER NOT NULL CHECK (width > 0),
            height INTEGER NOT NULL CHECK (height > 0),
            bytes INTEGER NOT NULL CHECK (bytes > 0),
            sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
            seed TEXT NOT NULL,
            PRIMARY KEY (job, number)
        ) STRICT, WITHOUT ROWID;
        """

    /// The tables of jobs and outputs are made anew, since their rules change. A job that ran waits again: nobody knows
    /// any more whose fault its interruption was. The ends of before are numbered in the order of their times.
    private static let leases = """
        CREATE TABLE job_2 (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE CHECK (length(id) = 13),
            kind TEXT NOT NULL,
            title TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
            paused INTEGER NOT NULL CHECK (paused IN (0, 1)),
            priority INTEGER NOT NULL CHECK (priority BETWEEN -10 AND 10),
            uid INTEGER NOT NULL CHECK (uid BETWEEN 0 AND 4294967295),
            attempts INTEGER NOT NULL CHECK (attempts BETWEEN 0 AND 3),
            starts INTEGER NOT NULL CHECK (starts >= 0),
            created REAL NOT NULL,
            started REAL,
            finished REAL,
            ending INTEGER UNIQUE,
            lease TEXT UNIQUE,
            lease_end REAL,
            request TEXT NOT NULL CHECK (json_valid(request)),
            warnings TEXT NOT NULL CHECK (json_type(warnings) = 'array'),
            result TEXT CHECK (result IS NULL OR json_valid(result)),
            error TEXT CHECK (error IS NULL OR json_valid(error)),
            estimate TEXT CHECK (estimate IS NULL OR json_valid(estimate)),
            CHECK (state <> 'running' OR (started IS NOT NULL AND attempts > 0)),
            CHECK ((lease IS NOT NULL) = (state = 'running')),
            CHECK ((lease_end IS NOT NULL) = (state = 'running')),
            CHECK ((finished IS NOT NULL) = (state IN ('succeeded', 'failed', 'cancelled'))),
            CHECK ((ending IS NOT NULL) = (state IN ('succeeded', 'failed', 'cancelled'))),
            CHECK ((result IS NOT NULL) = (state = 'succeeded')),
            CHECK ((error IS NOT NULL) = (state = 'failed'))
        ) STRICT;

        INSERT INTO job_2
            SELECT
                sequence, id, kind,
                substr(replace(coalesce(json_extract(request, '$.prompt'), ''), char(10), ' '), 1, 80),
                CASE state WHEN 'running' THEN 'queued' ELSE state END,
                0, priority, uid,
                CASE state WHEN 'running' THEN attempts - 1 ELSE attempts END,
                attempts, created, started, finished,
                CASE WHEN finished IS NOT NULL
                    THEN row_number() OVER (PARTITION BY finished IS NULL ORDER BY finished, sequence) END,
                NULL, NULL, request, warnings, result, error, NULL
            FROM job;

        CREATE TABLE output_2 (
            job TEXT NOT NULL REFERENCES job_2 (id) ON DELETE CASCADE,
            number INTEGER NOT NULL CHECK (number >= 0),
            format TEXT NOT NULL,
            width INTEGER CHECK (width > 0),
            height INTEGER CHECK (height > 0),
            bytes INTEGER NOT NULL CHECK (bytes > 0),
            sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
            seed TEXT,
            PRIMARY KEY (job, number)
        ) STRICT, WITHOUT ROWID;

        INSERT INTO output_2 SELECT job, number, format, width, height, bytes, sha256, seed FROM output;

        DROP TABLE output;
        DROP TABLE job;
        ALTER TABLE job_2 RENAME TO job;
        ALTER TABLE output_2 RENAME TO output;

        CREATE INDEX job_queue ON job (priority DESC, sequence, id, uid) WHERE state = 'queued' AND paused = 0;
        CREATE INDEX job_state ON job (state, uid);

        CREATE TABLE checkpoint (
            job TEXT PRIMARY KEY REFERENCES job (id) ON DELETE CASCADE,
            lease TEXT NOT NULL,
            file TEXT NOT NULL,
            bytes INTEGER NOT NULL CHECK (bytes >= 0),
            facts TEXT NOT NULL CHECK (json_valid(facts)),
            progress TEXT NOT NULL CHECK (json_valid(progress)),
            step INTEGER NOT NULL CHECK (step >= 0),
            text TEXT NOT NULL,
            -- The furthest step of all checkpoints, and whether those of this lease went beyond what was before.
            furthest INTEGER NOT NULL,
            advanced INTEGER NOT NULL CHECK (advanced IN (0, 1))
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE submission_key (
            uid INTEGER NOT NULL,
            key TEXT NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
            body TEXT NOT NULL,
            job TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
            PRIMARY KEY (uid, key)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX submission_key_job ON submission_key (job);

        CREATE TABLE blob (
            uid INTEGER NOT NULL,
            sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
            bytes INTEGER NOT NULL CHECK (bytes > 0),
            PRIMARY KEY (uid, sha256)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE blob_use (
            job TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
            uid INTEGER NOT NULL,
            sha256 TEXT NOT NULL,
            place INTEGER NOT NULL CHECK (place >= 0),
            PRIMARY KEY (job, place),
            FOREIGN KEY (uid, sha256) REFERENCES blob (uid, sha256)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX blob_use_blob ON blob_use (uid, sha256);
        """
}
