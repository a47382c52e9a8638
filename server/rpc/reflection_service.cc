#include "rpc/reflection_service.h"

#include <deque>
#include <unordered_set>
#include <utility>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "grpcpp/support/async_stream.h"
#include "rpc/posted_stream.h"

namespace weft {
namespace {

namespace reflection = grpc::reflection::v1alpha;
namespace pb = google::protobuf;
using Request = reflection::ServerReflectionRequest;
using Response = reflection::ServerReflectionResponse;
using Stream = grpc::ServerAsyncReaderWriter<Response, Request>;
using ReflectionGrpc = reflection::ServerReflection::WithAsyncMethod_ServerReflectionInfo<
    reflection::ServerReflection::Service>;

void SetError(grpc::StatusCode code, std::string message, Response* response) {
  response->mutable_error_response()->set_error_code(code);
  response->mutable_error_response()->set_error_message(std::move(message));
}

// The file and all it depends on, each once.
void WriteFile(const pb::FileDescriptor* first, const std::string& asked, Response* response) {
  if (first == nullptr) {
    return SetError(grpc::StatusCode::NOT_FOUND, "there is no \"" + asked + "\" here", response);
  }
  std::vector<const pb::FileDescriptor*> files = {first};
  std::unordered_set<const pb::FileDescriptor*> seen = {first};
  for (size_t i = 0; i < files.size(); ++i) {
    const pb::FileDescriptor* const file = files[i];
    for (int d = 0; d < file->dependency_count(); ++d) {
      if (seen.insert(file->dependency(d)).second) files.push_back(file->dependency(d));
    }
    pb::FileDescriptorProto proto;
    file->CopyTo(&proto);
    response->mutable_file_descriptor_response()->add_file_descriptor_proto(
        proto.SerializeAsString());
  }
}

void WriteExtension(const reflection::ExtensionRequest& asked, Response* response) {
  const auto& pool = *pb::DescriptorPool::generated_pool();
  const pb::Descriptor* const type = pool.FindMessageTypeByName(asked.containing_type());
  const pb::FieldDescriptor* const field =
      type == nullptr ? nullptr : pool.FindExtensionByNumber(type, asked.extension_number());
  WriteFile(field == nullptr ? nullptr : field->file(),
            asked.containing_type() + " extension " + std::to_string(asked.extension_number()),
            response);
}

void WriteExtensionNumbers(const std::string& type_name, Response* response) {
  const auto& pool = *pb::DescriptorPool::generated_pool();
  const pb::Descriptor* const type = pool.FindMessageTypeByName(type_name);
  if (type == nullptr) {
    return SetError(grpc::StatusCode::NOT_FOUND, "there is no \"" + type_name + "\" here",
                    response);
  }
  auto* const answer = response->mutable_all_extension_numbers_response();
  answer->set_base_type_name(type_name);
  std::vector<const pb::FieldDescriptor*> extensions;
  pool.FindAllExtensions(type, &extensions);
  for (const auto* extension : extensions) answer->add_extension_number(extension->number());
}

void WriteAnswer(const Request& request, const std::vector<std::string>& services,
                 Response* response) {
  const auto& pool = *pb::DescriptorPool::generated_pool();
  response->Clear();
  response->set_valid_host(request.host());
  *response->mutable_original_request() = request;
  switch (request.message_request_case()) {
    case Request::kListServices:
      for (const std::string& name : services) {
        response->mutable_list_services_response()->add_service()->set_name(name);
      }
      return;
    case Request::kFileByFilename:
      return WriteFile(pool.FindFileByName(request.file_by_filename()), request.file_by_filename(),
                       response);
    case Request::kFileContainingSymbol:
      return WriteFile(pool.FindFileContainingSymbol(request.file_containing_symbol()),
                       request.file_containing_symbol(), response);
    case Request::kFileContainingExtension:
      return WriteExtension(request.file_containing_extension(), response);
    case Request::kAllExtensionNumbersOfType:
      return WriteExtensionNumbers(request.all_extension_numbers_of_type(), response);
    case Request::MESSAGE_REQUEST_NOT_SET:
      break;
  }
  SetError(grpc::StatusCode::INVALID_ARGUMENT, "message_request is not set", response);
}

// Reads, answers, reads again, until the client half-closes.
class InfoCall final : public PostedStream<Stream> {
 public:
  InfoCall(CompletionSource& source, ReflectionGrpc& service,
           const std::vector<std::string>& services)
      : PostedStream(source), service_(service), services_(services) {}

 private:
  void Ask(grpc::ServerContext& context, Stream& stream, grpc::ServerCompletionQueue& queue,
           void* tag) override {
    service_.RequestServerReflectionInfo(&context, &stream, &queue, &queue, tag);
  }
  void OnOpened() override {
    writing_ = false;
    if (idle()) stream().Read(&request_, Begin());
  }
  void OnOperation(bool ok) override {
    if (!idle()) return;
    if (!ok) return Finish(grpc::Status::OK);
    writing_ = !writing_;
    if (!writing_) return stream().Read(&request_, Begin());
    WriteAnswer(request_, services_, &response_);
    stream().Write(response_, Begin());
  }

  ReflectionGrpc& service_;
  const std::vector<std::string>& services_;
  Request request_;
  Response response_;
  bool writing_ = false;
};

}  // namespace

struct ReflectionService::Parts {
  ReflectionGrpc service;
  std::vector<std::string> services;
  std::deque<InfoCall> calls;
};

ReflectionService::ReflectionService(CompletionSource& source, std::vector<std::string> services,
                                     size_t max_calls)
    : parts_(std::make_unique<Parts>()) {
  parts_->services = std::move(services);
  parts_->services.emplace_back(reflection::ServerReflection::service_full_name());
  for (size_t i = 0; i < max_calls; ++i) {
    parts_->calls.emplace_back(source, parts_->service, parts_->services);
  }
}
ReflectionService::~ReflectionService() = default;

grpc::Service& ReflectionService::service() { return parts_->service; }

void ReflectionService::Start() {
  for (InfoCall& call : parts_->calls) call.Post();
}

}  // namespace weft
