"""What can go wrong with the store, each as a sentence that names the next step."""


class RecordsError(Exception):
    """Base of every error the records raise."""


class BadRecordError(RecordsError, ValueError):
    """A record does not fit its table: a wrong type, a number out of range, an interval that ends before it starts."""


class StoreFullError(RecordsError):
    """The disk is full. Nothing of the refused batch is kept; earlier acknowledged records are safe."""


class StoreReadOnlyError(RecordsError):
    """The store's directory cannot be written."""


class StoreDamagedError(RecordsError):
    """A file of the store cannot be read back as it was written; `clearline records check` names what is lost."""


class StoreBusyError(RecordsError):
    """Another process held the store's maintenance for longer than we wait."""


class ManifestUnreachableError(RecordsError):
    """The database of the manifest does not answer. Records are acknowledged meanwhile; questions and upkeep wait."""


class EngineMissingError(RecordsError):
    """The engine that is configured is not on this machine."""


class HeldError(RecordsError):
    """A legal hold forbids erasing what was asked to be erased."""
