// The requests of clients and their answers, in the order of fields and the words of heartbeat 3.0.6
// (specs/heartbeat.md section 7).
import ClusterModel
import LinuxSystem
import Messaging
import Privsep

extension ClientService {
    /// Answers one `hbapi-req`. Before a sign-on nothing but that is heard.
    func answer(_ request: HAMessage, _ client: ClientConnection, _ view: ClientView) {
        let type = request.text(Wire.FieldName.requestType) ?? ""
        guard client.identity != nil else { return type == "signon" ? signOn(request, client) : () }
        let named = request.text(Wire.FieldName.node)?.lowercased()
        let node = view.nodes.first { $0.name == named }
        switch type {
        case "signoff": close(client, "signoff")
        case "set_sendqlen": break
        case "setfilter", "setsignal": answerSetting(type, request, client)
        case "nodelist": list(parameters.inOrder(view.nodes), type, client) { text, node in
            text.add(Wire.FieldName.node, node.name)
            text.add(Wire.FieldName.nodeType, node.isPing ? "ping" : "normal")
            text.add(Wire.FieldName.status, node.status)
        }
        case "iflist": list(node?.links ?? [], type, client) { text, link in
            text.add(Wire.FieldName.interface, link.name)
            text.add(Wire.FieldName.status, link.isUp ? "up" : "dead")
        }
        case "nodestatus": reply(type, client, node.map { (Wire.FieldName.status, $0.status) })
        case "nodetype": reply(type, client, node.map { (Wire.FieldName.nodeType, $0.isPing ? "ping" : "normal") })
        case "nodeweight": reply(type, client, node.map { _ in (Wire.FieldName.weight, "100") })
        case "nodesite": reply(type, client, node.map { _ in (Wire.FieldName.site, "") })
        case "ifstatus":
            let link = node?.links.first { $0.name == request.text(Wire.FieldName.interface) }
            reply(type, client, link.map { (Wire.FieldName.status, $0.isUp ? "up" : "dead") })
        case "numnodes":
            reply(type, client, (Wire.FieldName.nodeCount, String(view.nodes.filter { !$0.isPing }.count)))
        case "getrsc": reply(type, client, (Wire.FieldName.resourcesHeld, view.holdings))
        case "getparm": answerParameter(request, client)
        case "getuuid", "getnodename": answerIdentity(type, request, client, view)
        case "clientstatus": answerClientStatus(request, client, node, view)
        default: refuse(type, client, nil)
        }
    }

    private func begin(_ type: String) -> ClientText {
        var text = ClientText()
        text.add(Wire.FieldName.type, Wire.MessageType.clientResponse)
        text.add(Wire.FieldName.requestType, type)
        return text
    }

    /// One field and OK; a request that names nothing known is refused.
    private func reply(_ type: String, _ client: ClientConnection, _ field: (name: String, value: String)?) {
        guard let field else { return refuse(type, client, "EINVAL") }
        var text = begin(type)
        text.add(field.name, field.value)
        text.add(Wire.FieldName.result, "OK")
        send(text, to: client)
    }

    private func refuse(_ type: String, _ client: ClientConnection, _ reason: String?) {
        var text = begin(type)
        text.add(Wire.FieldName.result, "badreq")
        if let reason { text.add(Wire.FieldName.info, reason) }
        send(text, to: client)
    }

    /// One answer for each element; all but the last say that more follow.
    private func list<Element>(
        _ elements: [Element], _ type: String, _ client: ClientConnection,
        _ describe: (inout ClientText, Element) -> Void
    ) {
        guard !elements.isEmpty else { return refuse(type, client, "EINVAL") }
        for (index, element) in elements.enumerated() {
            var text = begin(type)
            describe(&text, element)
            text.add(Wire.FieldName.result, index == elements.count - 1 ? "OK" : "ok/more")
            send(text, to: client)
        }
    }

    /// Every client hears what 3.0.6 calls kept messages, whatever it asks for. Signals cannot be sent from here: this
    /// process is not root.
    private func answerSetting(_ type: String, _ request: HAMessage, _ client: ClientConnection) {
        if type == "setsignal", request.text(Wire.FieldName.signal) != "0" { return refuse(type, client, "EINVAL") }
        var text = begin(type)
        text.add(Wire.FieldName.result, "OK")
        send(text, to: client)
    }

    private func answerParameter(_ request: HAMessage, _ client: ClientConnection) {
        guard let name = request.text(Wire.FieldName.parameterName) else { return refuse("getparm", client, "EINVAL") }
        var text = begin("getparm")
        if let value = parameters[name] { text.add(Wire.FieldName.parameterValue, value) }
        text.add(Wire.FieldName.result, "OK")
        send(text, to: client)
    }

    private func answerIdentity(
        _ type: String, _ request: HAMessage, _ client: ClientConnection, _ view: ClientView
    ) {
        var text = begin(type)
        if type == "getuuid" {
            let name = request.text(Wire.FieldName.queriedName)?.lowercased()
            guard let uuid = view.nodes.first(where: { $0.name == name })?.uuid else {
                return refuse(type, client, "EINVAL")
            }
            text.add(Wire.FieldName.queriedUUID, binary: uuid)
        } else {
            let uuid = request.binary(Wire.FieldName.queriedUUID)
            guard let uuid, let node = view.nodes.first(where: { $0.uuid == uuid }) else {
                return refuse(type, client, "no query node name found")
            }
            text.add(Wire.FieldName.queriedName, node.name)
        }
        text.add(Wire.FieldName.result, "OK")
        send(text, to: client)
    }

    /// Of a client here the answer is known; another node is asked, and its answer goes to the client as it comes.
    private func answerClientStatus(
        _ request: HAMessage, _ client: ClientConnection, _ node: ClientNode?, _ view: ClientView
    ) {
        guard let name = request.text(Wire.FieldName.clientName), let id = client.identity?.id else {
            return refuse("clientstatus", client, "EINVAL")
        }
        // 3.0.6 is silent too, and its client gives up after the time that it was told.
        guard let node, !node.isPing else { return }
        guard node.name == view.localName else {
            var query = HAMessage()
            query.append(Wire.FieldName.type, Wire.MessageType.clientStatusQuery)
            query.append(Wire.FieldName.destination, node.name)
            query.append(Wire.FieldName.clientName, name)
            query.append(Wire.FieldName.fromID, id)
            guard node.status == "dead" else {
                tellCluster(query)
                return
            }
            var answer = ClientText()
            answer.add(Wire.FieldName.type, Wire.MessageType.clientStatusReply)
            answer.add(Wire.FieldName.result, "OK")
            answer.add(Wire.FieldName.clientName, name)
            answer.add(Wire.FieldName.clientStatus, "offline")
            return send(answer, to: client)
        }
        var text = begin("clientstatus")
        text.add(Wire.FieldName.subtype, Wire.MessageType.clientStatusReply)
        text.add(Wire.FieldName.clientStatus, isOnline(name) ? "online" : "offline")
        text.add(Wire.FieldName.result, "OK")
        send(text, to: client)
    }
}
