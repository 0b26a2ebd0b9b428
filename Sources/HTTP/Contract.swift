import API
import JSON
import Kinds
import Vocabulary

/// What the daemon promises to programs, as OpenAPI 3.1: routes from the list below, parameters from the tables of the
/// kinds.
struct Contract: Sendable {
    let document: JSON

    init(_ kinds: KindTable) {
        let bodies = kinds.kinds.map { ($0.kind.rawValue, Self.schema(of: $0, standard: kinds.standard)) }
        document = .object([
            "openapi": .string("3.1.0"),
            "info": .object([
                "title": .string("Lazuli"), "version": .string(lazuliVersion),
                "description": .string("Jobs for the daemon, over its Unix socket."),
            ]),
            "paths": Self.paths(kinds.kinds.map(\.kind.rawValue)),
            "components": .object([
                "schemas": .object(
                    Dictionary(bodies, uniquingKeysWith: { first, _ in first }).merging(Self.answers) { $1 })
            ]),
        ])
    }

    // MARK: Parameters

    private static func schema(of kind: Kind, standard: JobKind) -> JSON {
        var properties: [String: JSON] = [
            "kind": .object([
                "const": .string(kind.kind.rawValue), "description": .string(kind.summary),
            ]),
            "priority": .object([
                "type": .string("integer"), "minimum": .int(-10), "maximum": .int(10), "default": .int(0),
                "description": .string("Jobs of a higher priority start first; above 0 for administrators only."),
            ]),
            "strict": .object([
                "type": .string("boolean"), "default": .bool(false),
                "description": .string("Whether an unknown parameter refuses the job instead of becoming a warning."),
            ]),
        ]
        for parameter in kind.parameters { properties[parameter.name] = schema(of: parameter) }
        let required = kind.parameters.filter(\.isRequired).map(\.name) + (kind.kind == standard ? [] : ["kind"])
        return .object([
            "type": .string("object"), "description": .string(kind.summary), "properties": .object(properties),
            "required": .array(required.sorted().map(JSON.string)),
        ])
    }

    private static func schema(of parameter: ParameterFacts) -> JSON {
        var members: [String: JSON] = ["description": .string(parameter.help)]
        switch parameter.values {
        case .text(let bytes):
            members["type"] = .string("string")
            members["maxLength"] = .int(bytes)
        case .integer(let range):
            members["type"] = .string("integer")
            members["minimum"] = .int(range.lowerBound)
            members["maximum"] = .int(range.upperBound)
        case .number(let range):
            members["type"] = .string("number")
            members["minimum"] = .double(range.lowerBound)
            members["maximum"] = .double(range.upperBound)
        case .flag: members["type"] = .string("boolean")
        case .choice(let words):
            members["type"] = .string("string")
            members["enum"] = .array(words.map(JSON.string))
        case .seed:
            members["type"] = .string("integer")
            members["minimum"] = .int(-1)
            members["maximum"] = .unsigned(.max)
        case .blob:
            members["type"] = .string("string")
            members["pattern"] = .string("^[0-9a-f]{64}$")
        case .texts(let count, let bytes):
            members["type"] = .string("array")
            members["maxItems"] = .int(count)
            members["items"] = .object(["type": .string("string"), "maxLength": .int(bytes)])
        case .messages(let bytes):
            let text = JSON.object(["type": .string("string"), "maxLength": .int(bytes)])
            members["type"] = .string("array")
            members["minItems"] = .int(1)
            members["items"] = .object([
                "type": .string("object"), "required": .array([.string("role"), .string("content")]),
                "properties": .object(["role": .object(["type": .string("string")]), "content": text]),
            ])
        }
        if let standard = parameter.standard { members["default"] = standard }
        return .object(members)
    }

    // MARK: Routes

    private static func paths(_ kinds: [String]) -> JSON {
        let job = reference("Job")
        let jobBody = body("application/json", .object(["oneOf": .array(kinds.map(reference))]))
        let priority = body(
            "application/json",
            .object([
                "type": .string("object"),
                "properties": .object([
                    "priority": .object(["type": .string("integer"), "minimum": .int(-10), "maximum": .int(10)])
                ]),
            ]))
        let upload = body(
            "application/octet-stream", .object(["type": .string("string"), "format": .string("binary")]))
        let dialect = body("application/json", .object(["type": .string("object")]))
        let form = body("multipart/form-data", .object(["type": .string("object")]))
        let id = parameter("id", "path", "The job's identifier.")
        let number = parameter("number", "path", "Number of the file in its job, from 0.")
        let page = [
            parameter("limit", "query", "Most jobs of the page, 1 to 200."),
            parameter("after", "query", "\"next\" of the page before."),
        ]
        return .object([
            "/v1/jobs": .object([
                "post": operation(
                    "Submits a job.", ["202": job, "200": job], body: jobBody,
                    parameters: [
                        parameter("Idempotency-Key", "header", "Makes a repeated submission return the first job.")
                    ]),
                "get": operation(
                    "Lists jobs: running, waiting, finished.", ["200": reference("Jobs")], parameters: page),
            ]),
            "/v1/jobs/{id}": .object([
                "get": operation("Tells a job.", ["200": job], parameters: [id]),
                "delete": operation("Cancels a job.", ["200": job, "202": job], parameters: [id]),
                "patch": operation(
                    "Changes a job's priority.", ["200": job, "202": job], body: priority, parameters: [id]),
            ]),
            "/v1/jobs/{id}/pause": .object([
                "post": operation("Pauses a job.", ["200": job, "202": job], parameters: [id])
            ]),
            "/v1/jobs/{id}/resume": .object([
                "post": operation("Lets a paused job go on.", ["200": job, "202": job], parameters: [id])
            ]),
            "/v1/jobs/{id}/events": .object([
                "get": operation(
                    "Streams state, progress, warnings, text and the result.", ["200": .object([:])],
                    type: "text/event-stream", parameters: [id])
            ]),
            "/v1/jobs/{id}/outputs/{number}": .object([
                "get": operation(
                    "Serves a file of a finished job.", ["200": .object([:])], type: "image/*",
                    parameters: [id, number])
            ]),
            "/v1/estimate": .object([
                "post": operation("Tells what a job would cost.", ["200": reference("EstimateReply")], body: jobBody)
            ]),
            "/v1/blobs": .object([
                "post": operation("Uploads a file that jobs will read.", ["201": reference("BlobReply")], body: upload)
            ]),
            "/v1/chat/completions": .object([
                "post": operation(
                    "Answers a conversation, in OpenAI's words.", ["200": .object([:])], body: dialect)
            ]),
            "/v1/images/generations": .object([
                "post": operation("Makes pictures, in OpenAI's words.", ["200": .object([:])], body: dialect)
            ]),
            "/v1/images/edits": .object([
                "post": operation("Changes a picture, in OpenAI's words.", ["200": .object([:])], body: form)
            ]),
            "/v1/models": .object(["get": operation("Lists the models.", ["200": .object([:])])]),
            "/v1/models/unload": .object([
                "post": operation("Gives the memory of all loaded models back.", ["200": .object([:])])
            ]),
            "/v1/status": .object(["get": operation("Tells the daemon and its worker.", ["200": .object([:])])]),
            "/healthz": .object(["get": operation("Answers while the daemon lives.", ["200": .object([:])])]),
            "/readyz": .object(["get": operation("Answers 200 while jobs are taken.", ["200": .object([:])])]),
            "/metrics": .object([
                "get": operation("Figures for Prometheus.", ["200": .object([:])], type: "text/plain")
            ]),
            "/openapi.json": .object(["get": operation("This document.", ["200": .object([:])])]),
        ])
    }

    private static func operation(
        _ summary: String, _ answers: [String: JSON], type: String = "application/json", body: JSON? = nil,
        parameters: [JSON] = []
    ) -> JSON {
        var responses: [String: JSON] = [
            "default": .object([
                "description": .string("What is wrong, and the remedy."),
                "content": .object(["application/json": .object(["schema": reference("Error")])]),
            ])
        ]
        for (status, schema) in answers {
            responses[status] = .object([
                "description": .string(summary), "content": .object([type: .object(["schema": schema])]),
            ])
        }
        var members: [String: JSON] = ["summary": .string(summary), "responses": .object(responses)]
        if let body { members["requestBody"] = body }
        if !parameters.isEmpty { members["parameters"] = .array(parameters) }
        return .object(members)
    }

    private static func body(_ type: String, _ schema: JSON) -> JSON {
        .object(["required": .bool(true), "content": .object([type: .object(["schema": schema])])])
    }

    private static func parameter(_ name: String, _ place: String, _ help: String) -> JSON {
        .object([
            "name": .string(name), "in": .string(place), "required": .bool(place == "path"),
            "description": .string(help), "schema": .object(["type": .string("string")]),
        ])
    }

    private static func reference(_ name: String) -> JSON {
        .object(["$ref": .string("#/components/schemas/\(name)")])
    }

    // MARK: Answers

    private static func object(_ properties: [(String, String)]) -> JSON {
        .object([
            "type": .string("object"),
            "properties": .object(
                Dictionary(
                    properties.map { ($0.0, JSON.object(["type": .string($0.1)])) },
                    uniquingKeysWith: { first, _ in first })),
        ])
    }

    private static var answers: [String: JSON] {
        [
            "Job": object([
                ("id", "string"), ("kind", "string"), ("title", "string"), ("state", "string"), ("paused", "boolean"),
                ("priority", "integer"), ("created", "number"), ("started", "number"), ("finished", "number"),
                ("attempts", "integer"), ("position", "integer"), ("waiting", "string"), ("progress", "object"),
                ("estimate", "object"), ("outputs", "array"), ("warnings", "array"), ("error", "object"),
                ("result", "object"), ("request", "object"),
            ]),
            "Jobs": object([("object", "string"), ("data", "array"), ("next", "string")]),
            "EstimateReply": object([("estimate", "object"), ("warnings", "array")]),
            "BlobReply": object([("sha256", "string"), ("bytes", "integer")]),
            "Error": object([("error", "object")]),
        ]
    }
}
