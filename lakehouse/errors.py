"""The errors that the lake raises on purpose; each knows the exit code that a job ends with."""

# Python, Spark and delta-rs each have an error of their own for a full disk; the system's words are in all of them.
FULL = ("No space left on device", "Disk quota exceeded")


class LakeError(Exception):
    """Root of the errors raised on purpose. Its message is one sentence for a person."""

    exit_code = 1


class UsageError(LakeError):
    """Bad usage or configuration: nothing was released."""

    exit_code = 2


class SuiteError(UsageError):
    """A suite in `expectations/` is empty, misspelled or can't be compiled."""


class HeldError(LakeError):
    """What came to the gate again breaks a rule that should have refused it."""

    exit_code = 3


class LeaseTakenError(LakeError):
    """Another run holds the lease, or won the race for it: nothing was released."""

    exit_code = 5


class StorageError(LakeError):
    """Storage or a service stayed out of reach after retries, or is full."""

    exit_code = 6


class SchemaMismatchError(LakeError):
    """A frame does not have the declared columns; says found and wanted."""


class LandingChangedError(StorageError):
    """A landing file is not what its inspection saw: the write was stopped before its commit."""


def full_disk(error: BaseException) -> StorageError | None:
    """What to say of an error that comes of a full disk, whoever raised it; None of any other."""
    said = next((line.strip() for line in str(error).splitlines() if any(sign in line for sign in FULL)), None)
    return StorageError(f"the disk is full: free space and run again ({said})") if said else None
