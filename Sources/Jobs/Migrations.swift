import GRDB

/// The schema, as steps that are only ever added to.
enum Migrations {
    static var all: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 jobs and outputs") { db in
            try db.execute(sql: jobsAndOutputs)
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
}
