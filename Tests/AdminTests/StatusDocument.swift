// The JSON that `StatusTests.json` expects.

extension StatusTests {
    static let document = #"""
        {
          "schema_version": 1,
          "version": "0.1.0",
          "node": "alpha",
          "status": "active",
          "healthy": false,
          "problems": [
            "no watchdog resets this node: gone",
            "group IPaddr2::10.0.0.6/24 runs nowhere: its starts failed",
            "group IPaddr2::10.0.0.6/24 failed 2 times on beta: a \"quoted\"\n\u001B[1m reason é",
            "address 10.0.0.5 of group IPaddr2::10.0.0.5/24 is also claimed by 02:00:00:00:00:09 on eth0, last 3 s ago",
            "medium bcast eth0 is not open: gone"
          ],
          "pid": 1234,
          "uptime_ms": 11040000,
          "generation": 9223372036854775807,
          "leaving": false,
          "holdings": "local",
          "auto_failback": "on",
          "timing": {
            "keepalive_ms": 100,
            "warntime_ms": 500,
            "deadtime_ms": 1000,
            "initdead_ms": 30000,
            "deadping_ms": 1000
          },
          "quorum": {
            "policy": "ping",
            "present": true,
            "reachable_nodes": 2,
            "configured_nodes": 2,
            "held_for_ms": 812
          },
          "lease": {
            "duration_ms": 900,
            "margin_ms": 100,
            "kernel": true
          },
          "lacks": [
            "no watchdog resets this node: gone"
          ],
          "nodes": [
            {
              "name": "alpha",
              "kind": "normal",
              "local": true,
              "status": "active",
              "unreachable": false,
              "leaving": false,
              "generation": 12,
              "age_ms": 0,
              "dead_after_ms": 1000,
              "configuration_differs": false,
              "dialect": "extended",
              "fencing": null,
              "leaves_for_ms": null,
              "votes": [],
              "links": [
                {
                  "medium": "bcast",
                  "name": "eth0",
                  "status": "dead",
                  "age_ms": null
                }
              ]
            },
            {
              "name": "beta",
              "kind": "normal",
              "local": false,
              "status": "active",
              "unreachable": false,
              "leaving": false,
              "generation": 7,
              "age_ms": 85,
              "dead_after_ms": 1000,
              "configuration_differs": false,
              "dialect": "extended",
              "fencing": null,
              "leaves_for_ms": null,
              "votes": [],
              "links": [
                {
                  "medium": "bcast",
                  "name": "eth0",
                  "status": "up",
                  "age_ms": 85
                },
                {
                  "medium": "serial",
                  "name": "/dev/ttyS0",
                  "status": "up",
                  "age_ms": 102
                }
              ]
            }
          ],
          "frozen": null,
          "groups": [
            {
              "name": "IPaddr2::10.0.0.5/24",
              "preferred": "alpha",
              "resources": [
                "IPaddr2::10.0.0.5/24",
                "apache2"
              ],
              "owner": "alpha",
              "state": "held",
              "epoch": 3,
              "wanted": null,
              "unmanaged": null,
              "failures": [],
              "resource_failures": [],
              "waits_for": [],
              "waits_for_fencing": []
            },
            {
              "name": "IPaddr2::10.0.0.6/24",
              "preferred": "beta",
              "resources": [
                "IPaddr2::10.0.0.6/24"
              ],
              "owner": null,
              "state": "failed",
              "epoch": 18,
              "wanted": "beta",
              "unmanaged": null,
              "failures": [
                {
                  "node": "beta",
                  "count": 2,
                  "reason": "a \"quoted\"\n\u001B[1m reason é"
                }
              ],
              "resource_failures": [],
              "waits_for": [
                "beta"
              ],
              "waits_for_fencing": [
                "alpha"
              ]
            }
          ],
          "contested_addresses": [
            {
              "address": "10.0.0.5",
              "interface": "eth0",
              "group": "IPaddr2::10.0.0.5/24",
              "machine": "02:00:00:00:00:09",
              "claims": 12,
              "age_ms": 3000
            }
          ],
          "media": [
            {
              "medium": "bcast",
              "name": "eth0",
              "open": false,
              "reason": "gone"
            }
          ],
          "processes": [
            {
              "role": "master control process",
              "pid": 1234
            },
            {
              "role": "status process",
              "pid": 1240
            }
          ],
          "drops": [
            {
              "cause": "replay",
              "count": 3
            }
          ],
          "events": [
            {
              "time": 1795236488,
              "level": "notice",
              "event": "node-active",
              "text": "Status update for node beta: status active"
            }
          ]
        }

        """#
}
