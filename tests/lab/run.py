#!/usr/bin/python3
"""Runs the tests of the lab itself: tests/func/run.py, only on this folder."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
RUNNER = os.path.join(os.path.dirname(HERE), "func", "run.py")
os.execv(sys.executable, [sys.executable, RUNNER, "--in", HERE, *sys.argv[1:]])
