/*
 * Stands in for rd_kafka_subscribe() in librdkafka's test runner while the broker has no consumer
 * groups. A few tests of the producer read back what they wrote with a subscribed consumer; this
 * one is assigned every partition of its topics, from the beginning, instead. All that such a test
 * sends, reads and compares stays as it is. The linker puts this in place (--wrap).
 */

#include "rdkafka.h"

#define METADATA_TIMEOUT_MS 10000

/* The name is the linker's: every call of rd_kafka_subscribe() from the runner comes here. */
rd_kafka_resp_err_t
__wrap_rd_kafka_subscribe(rd_kafka_t *rk,
                          const rd_kafka_topic_partition_list_t *topics);

static rd_kafka_resp_err_t
add_partitions(rd_kafka_t *rk,
               const char *name,
               rd_kafka_topic_partition_list_t *partitions) {
        const struct rd_kafka_metadata *metadata;
        rd_kafka_resp_err_t err;
        rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, name, NULL);
        int i;

        if (!topic)
                return rd_kafka_last_error();
        err = rd_kafka_metadata(rk, 0, topic, &metadata, METADATA_TIMEOUT_MS);
        rd_kafka_topic_destroy(topic);
        if (err)
                return err;
        err = metadata->topics[0].err;
        for (i = 0; !err && i < metadata->topics[0].partition_cnt; i++)
                rd_kafka_topic_partition_list_add(
                    partitions, name, metadata->topics[0].partitions[i].id)
                    ->offset = RD_KAFKA_OFFSET_BEGINNING;
        rd_kafka_metadata_destroy(metadata);
        return err;
}

rd_kafka_resp_err_t
__wrap_rd_kafka_subscribe(rd_kafka_t *rk,
                          const rd_kafka_topic_partition_list_t *topics) {
        rd_kafka_topic_partition_list_t *partitions =
            rd_kafka_topic_partition_list_new(16);
        rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;
        int i;

        for (i = 0; !err && i < topics->cnt; i++)
                err = add_partitions(rk, topics->elems[i].topic, partitions);
        if (!err)
                err = rd_kafka_assign(rk, partitions);
        rd_kafka_topic_partition_list_destroy(partitions);
        return err;
}
