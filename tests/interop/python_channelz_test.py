#!/usr/bin/python3
"""Proves that a stranger's channelz client sees the daemon's server, its sockets and its calls.
Arguments are those of cases.main."""

import unittest

import cases
import stubs

CALL_S = 30


def setUpModule():
    missing = stubs.why_missing()
    if missing:
        raise unittest.SkipTest(missing)
    global api, grpc
    import grpc  # pylint: disable=import-outside-toplevel
    api = stubs.load()


def tearDownModule():
    api.folder.cleanup()


class PythonChannelz(cases.DaemonCase):
    def setUp(self):
        super().setUp()
        options = [("grpc.use_local_subchannel_pool", 1)]
        channel = grpc.insecure_channel(self.daemon.address, options=options)
        self.addCleanup(channel.close)
        self.channelz = api.channelz_grpc.ChannelzStub(channel)
        self.tasks = api.tasks_grpc.TaskServiceStub(channel)

    def server(self):
        answer = self.channelz.GetServers(api.channelz.GetServersRequest(), timeout=CALL_S)
        self.assertTrue(answer.end)
        [server] = answer.server
        return server

    def test_counts_the_calls_of_the_server(self):
        before = self.server().data
        request = api.tasks.RunTaskRequest(spec=api.task.TaskSpec(handler="noop"))
        self.tasks.RunTask(request, timeout=CALL_S)
        after = self.server().data
        # That call and this one.
        self.assertGreaterEqual(after.calls_started - before.calls_started, 2)
        self.assertGreaterEqual(after.calls_succeeded - before.calls_succeeded, 2)

    def test_tells_of_the_connection_that_asks(self):
        request = api.channelz.GetServerSocketsRequest(server_id=self.server().ref.server_id)
        sockets = self.channelz.GetServerSockets(request, timeout=CALL_S).socket_ref
        self.assertEqual(len(sockets), 1)
        request = api.channelz.GetSocketRequest(socket_id=sockets[0].socket_id)
        socket = self.channelz.GetSocket(request, timeout=CALL_S).socket
        self.assertGreaterEqual(socket.data.streams_started, 3)

    def test_what_is_not_there_is_not_found(self):
        for call, request in (
            (self.channelz.GetServer, api.channelz.GetServerRequest(server_id=987654321)),
            (self.channelz.GetSocket, api.channelz.GetSocketRequest(socket_id=987654321)),
            (self.channelz.GetChannel, api.channelz.GetChannelRequest(channel_id=987654321)),
        ):
            with self.assertRaises(grpc.RpcError) as raised:
                call(request, timeout=CALL_S)
            self.assertEqual(raised.exception.code(), grpc.StatusCode.NOT_FOUND)


if __name__ == "__main__":
    cases.main()
