# SPDX-License-Identifier: BSD-3-Clause
import asyncio
import contextlib
import io
import json
import os
import subprocess
import sys

import csm
from fake import CONSUMER, PROVIDER, World

EXAMPLES = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "examples")
sys.path.insert(0, EXAMPLES)
import agent  # noqa: E402


class TestAgent(World):
    def test_agent(self):
        """the example: an agent asks a tool in another realm, and rubbish gets an answer too"""
        requests = ['{"tool": "add", "numbers": [1, 2, 3]}', '{"tool": "tools"}',
                    '{"tool": "rm"}', "rubbish", '{"tool": "add", "numbers": ["a"]}']

        async def main():
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                server = asyncio.create_task(agent.serve(self.provider, CONSUMER))
                await asyncio.sleep(0.1)
            number = int(printed.getvalue().split()[1])
            answers = await agent.ask(self.consumer, PROVIDER, number, requests)
            async with asyncio.timeout(30):
                await server
            return [json.loads(answer) for answer in answers]

        answers = asyncio.run(main())
        self.assertEqual(answers[:2], [{"result": 6}, {"result": ["add", "tools"]}])
        self.assertEqual([list(answer) for answer in answers[2:]], [["error"]] * 3)

    def test_alone(self):
        """the example says what is wrong: no device, no arguments"""
        for arguments, status, text in ((["serve", "1"], 1, "agent.py: "),
                                        (["ask"], 1, "agent.py: ")):
            done = subprocess.run([sys.executable, os.path.join(EXAMPLES, "agent.py"), *arguments],
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, status)
            self.assertTrue(done.stderr.startswith(text), done.stderr)
            self.assertNotIn("Traceback", done.stderr)

    def test_refused(self):
        """the example in a realm that was granted nothing ends with an error"""
        with self.assertRaises(csm.RefusedError):
            asyncio.run(agent.ask(self.stranger, PROVIDER, 1, ["{}"]))
