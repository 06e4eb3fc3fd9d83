"""What can be wrong with a backup or a restore, each with an exit status of its own.

BackupError
├── NotReadyError            10  a setting, a key or a program is missing, or too old
├── AlreadyRunningError      11  another backup of this database is under way
├── NoBackupError            12  there is none, or none of that name
├── StageFailedError         13  pg_dump or the encryption failed; nothing was kept
├── StoreError               14  the directory or bucket can't be read or written
├── EmptiedError             15  nothing is left of what the backup before had; nothing was kept
├── DatabaseFailedError      16  the database broke off, or refused a statement
├── DamagedError
│   ├── IncompleteError      20  never finished: data without a manifest, or the reverse
│   ├── ManifestDamagedError 21  the manifest is unreadable, or not what was written
│   ├── TruncatedError       22  shorter than the manifest says
│   ├── AlteredError         23  other bytes than the manifest says
│   ├── WrongKeyError        24  the identity is not one of the recipients'
│   ├── UndecryptableError   25  as stored, yet not a whole age file
│   ├── ForeignManifestError 26  the manifest is not the one sealed into the data
│   └── UnreadableDumpError  27  decrypts well, but pg_restore can't read it
├── TargetNotEmptyError      30  restoring would mix with what is there
├── RestoreFailedError       31  pg_restore failed; the transaction was rolled back
├── ContentDiffersError      32  restored, but not what the manifest recorded
└── SmokeTestError           33  restored, but the service does not work on it
"""

from typing import ClassVar


class BackupError(Exception):
    """One paragraph for a person: the thing, what is wrong with it and the way out."""

    exit_status: ClassVar[int] = 1


class NotReadyError(BackupError):
    exit_status = 10


class AlreadyRunningError(BackupError):
    exit_status = 11


class NoBackupError(BackupError):
    exit_status = 12


class StageFailedError(BackupError):
    exit_status = 13


class StoreError(BackupError):
    exit_status = 14


class EmptiedError(BackupError):
    exit_status = 15


class DatabaseFailedError(BackupError):
    exit_status = 16


class DamagedError(BackupError):
    """The backup itself is at fault: another one, or another copy, is needed."""


class IncompleteError(DamagedError):
    exit_status = 20


class ManifestDamagedError(DamagedError):
    exit_status = 21


class TruncatedError(DamagedError):
    exit_status = 22


class AlteredError(DamagedError):
    exit_status = 23


class WrongKeyError(DamagedError):
    exit_status = 24


class UndecryptableError(DamagedError):
    exit_status = 25


class ForeignManifestError(DamagedError):
    exit_status = 26


class UnreadableDumpError(DamagedError):
    exit_status = 27


class TargetNotEmptyError(BackupError):
    exit_status = 30


class RestoreFailedError(BackupError):
    exit_status = 31


class ContentDiffersError(BackupError):
    exit_status = 32


class SmokeTestError(BackupError):
    exit_status = 33
