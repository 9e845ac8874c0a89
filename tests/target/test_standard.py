"""The standard tests of the Singer SDK that a target of documents can meet.

The others send streams of made-up tables, for which there is nothing to write at Exact Online.
"""

from __future__ import annotations

from singer_sdk.testing.factory import TargetTestClassFactory
from singer_sdk.testing.suites import SingerTestSuite
from singer_sdk.testing.target_tests import (
    TargetCliPrintsTest,
    TargetInvalidSchemaTest,
    TargetRecordBeforeSchemaTest,
)

from target_exactonline.target import TargetExactOnline

SUITE = SingerTestSuite(
    "target", [TargetCliPrintsTest, TargetInvalidSchemaTest, TargetRecordBeforeSchemaTest]
)

TestTarget = TargetTestClassFactory(
    TargetExactOnline, config={"client_id": "none", "client_secret": "none"}
).new_test_class(custom_suites=[SUITE], include_target_tests=False, parse_env_config=False)
