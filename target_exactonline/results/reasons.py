"""Reasons in the results of documents that were not written as they came."""

LOST = (
    "It was sent, no answer came, and it cannot be found at Exact Online. The next run that brings "
    "this record looks for it once more before it sends it again"
)
SUPERSEDED = "no answer came when it was sent, and a later version takes its place"
TAKEN = (
    "a document of stream {stream}, which is known by another field, has the reference "
    "{reference} already. The store identifies documents of one kind by their reference alone: "
    "give this one another reference, or its stream a separate store_url"
)
UNSEARCHABLE = (
    "It was sent and no answer came, and {why}. Look for it at Exact Online, then settle it with: "
    "exactonline results settle {stream} {reference} --created ID | --not-created"
)
UNSEARCHED = "{name} cannot be searched by a reference of your own"
KEPT_OTHERWISE = (
    "Exact Online keeps its {name} as {kept!r}, so that a search by your reference does not find "
    "it: use references that it keeps as they are"
)
WRITTEN_BEFORE = (
    "the same record was written before; whether the document was changed or deleted at Exact "
    "Online since was not asked"
)
CHANGED = "The record has changed since an earlier load; the document at Exact Online is unchanged"
NOT_DELETED = (
    "It was deleted at the source; it is deleted at Exact Online only with hard_delete: true"
)
FORGOTTEN = (
    "A document with this reference was written and then forgotten (exactonline results forget): "
    "the store knows no more than that it must not be sent again. Change or delete it in Exact "
    "Online, or load the record under another reference"
)
GONE = "it was not at Exact Online any more"
UNKNOWN_KEY = (
    "{name} cannot be searched by a reference of your own, and the key of this one is not known, "
    "so it was not deleted"
)
NOT_THERE = (
    "Exact Online has no document with this key or reference, and it takes more to create one"
)
FEWER_LINES = (
    "Exact Online has lines that did not come with it. Read its lines whole, not only those that "
    "changed; if they are to be removed, set hard_delete: true"
)
SAME_CONTENT = (
    "The store does not know it, and a document of the same content was at Exact Online before the "
    "store was used: it is taken for this one. If it is another, load the record under another "
    "reference with new_store: true"
)
UNKNOWN = (
    "it is not known whether it was loaded before: the store does not have it, {name} cannot be "
    "searched by a reference of your own, and nothing in it can be looked for. If none was loaded "
    "before this store was used, set new_store: true for one load; otherwise restore the backup "
    "of the store"
)
LOST_SET = (
    "It was sent, no answer came, and it is not among the match sets at Exact Online. The next run "
    "that brings this record looks for it once more before it sends it again"
)
CONTRADICTING_SET = (
    "an earlier record of this batch has the same reference and other content; that one was used"
)
UNREPORTED_SET = "The answer of Exact Online does not say what became of it"
MATCHED_SET = (
    "These items were matched by an earlier load under this reference; a match set cannot be "
    "changed, only undone in Exact Online"
)
UNLISTED_SET = (
    "It was sent, no answer came, and the match sets at Exact Online cannot be listed. Look for it "
    "there, then settle it with: exactonline results settle"
)
